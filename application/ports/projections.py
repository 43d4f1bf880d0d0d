"""The upkeep of the projections: looking at them, rebuilding them, comparing them with the log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Columns = Mapping[str, Any]
Progress = Callable[[str, int, int], None]
"""Told of a view's name, the position it has come to, and the one it goes to."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a view or policy has followed the log. `lag` counts positions, which have gaps;
    `lag_seconds` is the age of the oldest event that it has not come to."""

    name: str
    position: int
    lag: int
    lag_seconds: float
    stopped_position: int | None
    stopped_topic: str | None
    stopped_error: str | None
    stopped_since: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of one kind waits in the outbox, and for how long the oldest has."""

    kind: str
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A view whose tables were replaced, up to a position."""

    view: str
    position: int
    events: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the events say. `live` is None where it is missing, `replayed` where
    there should be none; `columns` are those that differ, with both values in the rows."""

    table: str
    key: Columns
    columns: Sequence[str]
    live: Columns | None
    replayed: Columns | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One view, replayed up to the position at which its live tables were read."""

    view: str
    position: int
    events: int
    rows: int
    differences: Sequence[Difference]


class Projections(Protocol):
    """For the operator of the installation, who sees the rows of every tenant."""

    def names(self) -> list[str]:
        """The views that can be rebuilt."""
        ...

    def standing(self) -> list[Standing]:
        """Every view and policy."""
        ...

    def rebuild(self, name: str, progress: Progress) -> Rebuilt:
        """Fills new tables from the log beside the live ones and swaps them in. Raises Refusal."""
        ...

    def check(self, progress: Progress) -> Iterator[Compared]:
        """Replays every view and compares its rows with the live ones. Raises Refusal."""
        ...


def difference(
    table: str, key: Sequence[str], live: Columns | None, replayed: Columns | None
) -> Difference:
    """What differs between two rows of one key, of which one may be missing."""
    known = live or replayed or {}
    one, other = live or {}, replayed or {}
    columns = [name for name in known if one.get(name) != other.get(name)]
    return Difference(table, {name: known[name] for name in key}, columns, live, replayed)
