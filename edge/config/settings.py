"""Every setting: its name, what it may be, its default, and whether the platform may change it.

What keeps data on the device (privacy, where keys are) is the owner's alone: the platform cannot.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], Any]


class BadSetting(ValueError):
    """The value cannot be used; the message says what may be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`check` gives the value in its proper type, or raises BadSetting."""

    name: str
    default: Any
    check: Check
    help: str
    remote: bool = True

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"EDGEWISE_EDGE_{self.name.upper().replace('.', '_')}"


def whole(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadSetting(f"must be a whole number from {least:,} to {most:,}")
        return value

    return check


def number(least: float, most: float) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not least <= value <= most:
            raise BadSetting(f"must be a number from {least:g} to {most:g}")
        return float(value)

    return check


def one_of(*choices: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise BadSetting(f"must be one of {', '.join(choices)}")
        return value

    return check


def words(pattern: str, example: str, most: int = 50) -> Check:
    def check(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if (
            not isinstance(value, (list, tuple))
            or len(value) > most
            or not all(isinstance(word, str) and re.fullmatch(pattern, word) for word in value)
        ):
            raise BadSetting(f"must be a list of at most {most}, each like {example}")
        return tuple(value)

    return check


def text(most: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise BadSetting(f"must be a text of at most {most} characters")
        return value

    return check


_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"

SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("sync.mode", "ONLINE", one_of("ONLINE", "OFFLINE", "HYBRID"),
                "ONLINE sends telemetry as it comes; OFFLINE keeps it; HYBRID sends what is "
                "important at once, the rest in sync.windows or when asked"),
        Setting("sync.order", "oldest", one_of("oldest", "important"),
                "what is sent first"),
        Setting("sync.windows", (), words(f"{_TIME}-{_TIME}", "02:00-04:30"),
                "HYBRID: when the rest is sent, UTC"),
        Setting("sync.bytes_per_second", 0, whole(0, 10**9),
                "most telemetry a second; 0 for no limit"),
        Setting("sync.resend_seconds", 30.0, number(1, 3_600),
                "after which a batch that the platform has not taken is sent again"),
        Setting("store.disk_limit_bytes", 256 * 2**20, whole(2**20, 2**44),
                "most disk for events; the least important and oldest go first"),
        Setting("store.key_file", "", text(1_000),
                "where the key of the event log is, if not in the home", remote=False),
        Setting("link.keepalive_seconds", 30, whole(5, 600),
                "MQTT keep-alive", remote=False),
        Setting("commands.at_once", 2, whole(1, 16), "commands that run at once"),
        Setting("commands.timeout_seconds", 60.0, number(1, 3_600),
                "after which a command has failed"),
        Setting("telemetry.sys_seconds", 60.0, number(1, 86_400),
                "between two samples of load, memory and disk"),
        Setting("inference.window_seconds", 60.0, number(0.1, 3_600),
                "between two reports on inference"),
        Setting("inference.cache_entries", 0, whole(0, 100_000),
                "results remembered by their input; 0 for none"),
        Setting("inference.threads", 0, whole(0, 256), "0 lets the runtime choose"),
        Setting("update.bytes_per_second", 0, whole(0, 10**9),
                "most of an update downloaded a second; 0 for no limit"),
        Setting("update.spare_bytes", 32 * 2**20, whole(0, 2**44),
                "disk that an update leaves free"),
        Setting("update.health_seconds", 120.0, number(1, 3_600),
                "after which a health check has failed"),
        Setting("update.firmware_installer", "", text(1_000),
                "the command that installs firmware: its last argument is the file", remote=False),
        Setting("privacy.drop", (), words(r"[^\s,]{1,100}", "operator"),
                "fields of events that never leave the device", remote=False),
        Setting("privacy.hash", (), words(r"[^\s,]{1,100}", "plate"),
                "fields of events that leave only as an HMAC by a key of this device",
                remote=False),
        Setting("log.level", "INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR"),
                "what agent.log tells"),
    )
}  # fmt: skip


def checked(given: Mapping[str, Any], remote: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """The good ones by name, and what is wrong with the others. `remote`: the platform asks."""
    good: dict[str, Any] = {}
    bad: dict[str, str] = {}
    for name, value in list(given.items())[:200]:
        setting = SETTINGS.get(name)
        if setting is None:
            bad[str(name)[:100]] = "no such setting"
        elif remote and not setting.remote:
            bad[name] = "only the owner of the device may set it, in its file or environment"
        else:
            try:
                good[name] = setting.check(value)
            except BadSetting as error:
                bad[name] = str(error)
    return good, bad


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """`{"sync": {"mode": …}}` and `{"sync.mode": …}` alike, by full names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            found[name] = value
    return found
