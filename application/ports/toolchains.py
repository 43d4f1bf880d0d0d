"""Toolchains: environments of their own for libraries that cannot live in this server's.

Each is pinned by a lock file with hashes; a worker has it, or makes it on first use, or neither.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from application.ports.engine import Watch


class InstallFailed(Exception):
    """In the installer's own words."""


class UnknownToolchain(Exception):
    """There is no toolchain of this name; `known` are the names that there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no toolchain “{name}”. There are: {', '.join(known) or 'none'}."
        )
        self.name, self.known = name, known


@dataclass(frozen=True, slots=True)
class KnownToolchain:
    """`what` it is for; `wanted` are the packages it was asked to have, as pip takes them."""

    name: str
    what: str
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstalledToolchain:
    """One as it is on this machine: its Python, None where it is not installed, and the bytes of
    all that is there of it, of older lock files and of broken installations too."""

    name: str
    what: str
    wanted: tuple[str, ...]
    python: Path | None
    bytes: int


class Toolchains(Protocol):
    """Those of one machine, for its operator."""

    def all(self) -> list[InstalledToolchain]:
        """Every one that there is, installed or not."""
        ...

    def make(self, name: str, watch: Watch) -> Path:
        """Installs it, unless it is there; gives its Python. One process at a time does so, the
        others wait. Raises UnknownToolchain, InstallFailed, EngineCancelled."""
        ...

    def remove(self, name: str, watch: Watch) -> int:
        """Removes all that there is of it; gives how many bytes. Raises UnknownToolchain."""
        ...
