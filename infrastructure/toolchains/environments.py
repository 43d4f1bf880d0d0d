"""Where the environments of toolchains are, and whether they are whole.

<folder>/<name>-<digest of its lock file>/      a virtual environment
<folder>/<name>-<digest>/complete               written last: without it, it is made anew
<folder>/<name>.lock                            held while one is made or removed, by one process
                                                and by the installer that it started: one that was
                                                orphaned is waited for, and never written beside
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from application.ports.engine import EngineCancelled, EngineRefusal, Watch
from application.ports.toolchains import (
    InstalledToolchain,
    InstallFailed,
    UnknownToolchain,
)
from infrastructure.toolchains.catalog import CATALOG, Toolchain
from infrastructure.toolchains.install import install

COMPLETE = "complete"
LOOK_EVERY = 0.2


class Environments:
    """Implements `application.ports.toolchains.Toolchains`. `folder` holds them; with `install` one
    that is missing is made when it is needed."""

    def __init__(
        self, folder: Path, install: bool = True, catalog: Mapping[str, Toolchain] = CATALOG
    ) -> None:
        self._folder, self._install, self._catalog = folder, install, catalog

    def all(self) -> list[InstalledToolchain]:
        """Every toolchain of the catalog, installed or not."""
        return [
            InstalledToolchain(one.name, one.what, one.wanted, python, self._bytes_of(one.name))
            for one in self._catalog.values()
            for python in [self.python(one.name)]
        ]

    def installed(self) -> frozenset[str]:
        """The names of those that are here; told without counting their bytes."""
        return frozenset(name for name in self._catalog if self.python(name) is not None)

    def installable(self) -> frozenset[str]:
        """The names of those that are made when they are needed."""
        return frozenset(self._catalog) if self._install else frozenset()

    def python(self, name: str) -> Path | None:
        """The Python of an environment that is whole. Raises UnknownToolchain."""
        home = self._home(self._known(name))
        python = home / "bin" / "python"
        # A link to a Python that was removed since exists no more.
        return python if (home / COMPLETE).exists() and python.exists() else None

    def can_have(self, name: str) -> bool:
        """Whether it is here, or would be made when needed."""
        return name in self._catalog and (self._install or self.python(name) is not None)

    def needed(self, name: str, watch: Watch) -> Path:
        """The Python of the environment, which is made first where it has to be. Raises
        EngineRefusal, EngineCancelled."""
        python = self.python(name)
        if python is not None:
            return python
        if not self._install:
            raise _missing(name, "and this server installs none by itself")
        watch.stage_started(f"toolchain:{name}")
        try:
            python = self.make(name, watch)
        except InstallFailed as error:
            raise _missing(name, f"and installing it failed: {error}") from error
        watch.stage_finished(f"toolchain:{name}")
        return python

    def make(self, name: str, watch: Watch) -> Path:
        """Installs it, unless it is there. Raises UnknownToolchain, InstallFailed,
        EngineCancelled."""
        toolchain = self._known(name)
        with self._alone(name, watch) as held:
            python, home = self.python(name), self._home(toolchain)
            if python is None:
                shutil.rmtree(home, ignore_errors=True)
                install(toolchain, home, watch, held)
                (home / COMPLETE).touch()
                self._forget_others(toolchain)
        return home / "bin" / "python"

    def remove(self, name: str, watch: Watch) -> int:
        """Removes what there is of it, of older lock files too; returns how many bytes. Raises
        UnknownToolchain, EngineCancelled."""
        self._known(name)
        with self._alone(name, watch):
            freed = self._bytes_of(name)
            for home in self._homes(name):
                (home / COMPLETE).unlink(missing_ok=True)
                shutil.rmtree(home)
        return freed

    def _known(self, name: str) -> Toolchain:
        toolchain = self._catalog.get(name)
        if toolchain is None:
            raise UnknownToolchain(name, tuple(self._catalog))
        return toolchain

    def _homes(self, name: str) -> list[Path]:
        """Of every lock file that it ever had, whole or not."""
        digits = "[0-9a-f]" * 12
        return [one for one in self._folder.glob(f"{name}-{digits}") if one.is_dir()]

    def _bytes_of(self, name: str) -> int:
        return sum(map(_bytes, self._homes(name)))

    def _home(self, toolchain: Toolchain) -> Path:
        return self._folder / f"{toolchain.name}-{toolchain.digest}"

    def _forget_others(self, toolchain: Toolchain) -> None:
        """Environments of older lock files, which nothing asks for any more."""
        for home in self._homes(toolchain.name):
            if home != self._home(toolchain):
                shutil.rmtree(home, ignore_errors=True)

    @contextmanager
    def _alone(self, name: str, watch: Watch) -> Iterator[int]:
        """Gives the descriptor that holds the lock, for processes that are to hold it too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as held:
            begun = time.monotonic()
            while not _locked(held.fileno()):
                if watch.cancelled():
                    raise EngineCancelled
                seconds = time.monotonic() - begun
                watch.tick(0.0, f"another process is at it, waiting for {seconds:,.0f} s")
                time.sleep(LOOK_EVERY)
            yield held.fileno()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def importable(module: str) -> bool:
    """Whether this server's own environment has the module."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _missing(name: str, why: str) -> EngineRefusal:
    return EngineRefusal(
        "TOOLCHAIN_MISSING",
        f"The toolchain “{name}” is not installed here, {why}.",
        f"Run `edgewise toolchains install {name}` where the worker runs, with a network.",
        "passes",
    )


def _bytes(folder: Path) -> int:
    """Links not followed; what goes away meanwhile is not counted."""
    return sum(
        _size(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names
    )


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0
