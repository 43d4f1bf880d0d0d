"""Who can carry out jobs: each worker announces what it offers, again and again.

A worker that has not been seen for SILENT_AFTER is shown as silent and counts for nothing; one that
has not been seen for FORGOTTEN_AFTER is removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

ANNOUNCED_EVERY = timedelta(seconds=5)
SILENT_AFTER = timedelta(seconds=20)
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Announcement:
    """`capabilities` are words of `application.jobs.capability`; `facts` tell people what kind of
    machine it is: isolation, cores, memory, hardware seen, versions."""

    id: str
    host: str
    capabilities: tuple[str, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it announced itself."""

    id: str
    host: str
    capabilities: list[str]
    facts: dict[str, Any]
    started_at: datetime
    seen_at: datetime
    silent: bool


class Workers(Protocol):
    """Where workers announce themselves, by the database's clock."""

    def announce(self, announcement: Announcement) -> None:
        """Says that the worker lives, and forgets those that have been silent for long."""
        ...

    def withdraw(self, id: str) -> None:
        """The worker stops in good order."""
        ...

    def offers(self) -> list[frozenset[str]]:
        """What each living worker offers, in words of `application.jobs.capability`."""
        ...


class WorkerReads(Protocol):
    """The workers as people see them."""

    async def workers(self) -> list[WorkerRow]:
        """All that are remembered, the longest-lived first."""
        ...
