"""The log of everything that happened, and the only way to change anything.

All methods work inside the tenant of the acting cause (`domain.cause`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from domain.aggregate import Aggregate, Event
from domain.cause import current_cause

A = TypeVar("A", bound=Aggregate)


class ConcurrentChange(Exception):
    """Somebody saved another change to the same stream first: load again and decide again."""


class ForeignAggregate(RuntimeError):
    """An aggregate of one tenant was to be saved while another is acting: a bug in the caller."""


def require_own(aggregates: Iterable[Aggregate]) -> None:
    """Raises ForeignAggregate unless all belong to the acting tenant. For the adapters."""
    acting = current_cause().tenant_id
    for aggregate in aggregates:
        if aggregate.tenant_id != acting:
            raise ForeignAggregate(f"{aggregate.id} is of {aggregate.tenant_id}, not of {acting}")


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its place in the log. Positions rise and are never given twice, but may
    have gaps; `recorded_at` is the database's clock."""

    position: int
    recorded_at: datetime
    tenant_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the past, by position or by the database's time; neither means now."""

    position: int | None = None
    time: datetime | None = None


class EventLog(Protocol):
    """Aggregates as streams of events."""

    def find(self, aggregate_class: type[A], stream: UUID) -> A | None:
        """The aggregate as it is now; None when it is unknown, of another class or another
        tenant's."""
        ...

    def find_all(self, aggregate_class: type[A], streams: Collection[UUID]) -> dict[UUID, A]:
        """The same of many at once; what `find` would not find is left out."""
        ...

    def save(self, *aggregates: Aggregate) -> int:
        """Makes all pending events durable in one transaction; returns the last position, or
        the tenant's newest when nothing was pending. Raises ConcurrentChange."""
        ...

    def stream(self, stream: UUID, until: Moment = Moment()) -> Sequence[RecordedEvent]:
        """All events of a stream up to a moment, in order."""
        ...

    def after(self, position: int, limit: int) -> Sequence[RecordedEvent]:
        """The tenant's next events after a position, in order."""
        ...
