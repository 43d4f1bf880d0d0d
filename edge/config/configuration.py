"""The configuration in effect, and where each value came from.

From weak to strong: the default, the file `edge.toml`, what the platform set (by a release, then by
command, then by the twin), the environment, with which an operator pins a value. A file that cannot
be read, or holds a bad value, never stops the agent: what was good last is used, and it says so.
"""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from edge.agent.state import State
from edge.config.settings import SETTINGS, checked, flat
from edge.home import Home

Changed = Callable[[], None]


class BadConfiguration(ValueError):
    """Nothing was changed; the message says why."""


class Configuration:
    """`problems` names what is wrong, by setting."""

    def __init__(self, home: Home, state: State | None, environment: Mapping[str, str]) -> None:
        self._home, self._state = home, state
        self._changed: list[Changed] = []
        self.problems: dict[str, str] = {}
        self._file = self._read_file()
        self._environment = self._read_environment(environment)
        self._release = self._kept("configuration.release")
        self._command = self._kept("configuration.command")
        self._twin = self._kept("configuration.twin")
        self._fold()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def origins(self) -> dict[str, tuple[Any, str]]:
        """Value and origin by name, in the order in which they are declared."""
        return {name: (self._values[name], self._origins[name]) for name in SETTINGS}

    def remote(self) -> dict[str, Any]:
        """What the platform may change, as it is in effect; JSON."""
        return {
            name: list(value) if isinstance(value := self._values[name], tuple) else value
            for name, setting in SETTINGS.items()
            if setting.remote
        }

    def on_change(self, changed: Changed) -> Changed:
        """Called after every change; what is returned ends that."""
        self._changed.append(changed)
        return lambda: self._changed.remove(changed)

    def command(self, given: Mapping[str, Any]) -> list[str]:
        """All or nothing; returns what is pinned here and so not in effect.

        Raises BadConfiguration, StateFailed."""
        good, bad = checked(flat(given), remote=True)
        if bad or not good:
            told = "; ".join(f"{name} {why}" for name, why in bad.items())
            raise BadConfiguration(told[:1_500] or "no settings were given")
        self._keep("configuration.command", merged := self._command | good)
        self._command = merged
        self._fold()
        return [name for name in good if self._origins[name] not in ("command",)]

    def release(self, given: Mapping[str, Any]) -> None:
        """What the release that is switched to brings, whole, in the place of what the one before
        it brought; what is bad in it is left out. Raises StateFailed."""
        good, _ = checked(flat(given), remote=True)
        if good != self._release:
            self._keep("configuration.release", good)
            self._release = good
            self._fold()

    def desired(self, given: Mapping[str, Any]) -> dict[str, str]:
        """What the twin asks for, whole: the good is applied, the bad is returned with its reason.

        Raises StateFailed."""
        good, bad = checked(flat(given), remote=True)
        if good != self._twin:
            self._keep("configuration.twin", good)
            self._twin = good
            self._fold()
        pinned = {
            name: f"pinned on the device by {SETTINGS[name].variable}"
            for name in good
            if self._origins[name] == "environment"
        }
        return bad | pinned

    def _fold(self) -> None:
        self._values = {name: setting.default for name, setting in SETTINGS.items()}
        self._origins = dict.fromkeys(SETTINGS, "default")
        for origin, layer in (
            ("file", self._file),
            ("release", self._release),
            ("command", self._command),
            ("twin", self._twin),
            ("environment", self._environment),
        ):
            self._values |= layer
            self._origins |= dict.fromkeys(layer, origin)
        for changed in tuple(self._changed):
            changed()

    def _read_file(self) -> dict[str, Any]:
        path = self._home.configuration
        try:
            document = tomllib.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self.problems[path.name] = f"cannot be read ({error}); the last good one is used"
            return self._kept("configuration.file")
        good, bad = checked(flat(document), remote=False)
        self.problems |= {name: f"{why} (in {path.name})" for name, why in bad.items()}
        before = self._kept("configuration.file")
        good |= {name: before[name] for name in bad if name in before}
        if good != before:
            self._keep("configuration.file", good)
        return good

    def _read_environment(self, environment: Mapping[str, str]) -> dict[str, Any]:
        given = {
            name: environment[setting.variable]
            for name, setting in SETTINGS.items()
            if setting.variable in environment
        }
        good, bad = checked(given, remote=False)
        self.problems |= {SETTINGS[name].variable: why for name, why in bad.items()}
        return good

    def _kept(self, name: str) -> dict[str, Any]:
        good, _ = checked(self._state.kept(name) if self._state else {}, remote=False)
        return good

    def _keep(self, name: str, values: Mapping[str, Any]) -> None:
        if self._state is not None:
            self._state.keep(name, values)
