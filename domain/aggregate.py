"""The base of all aggregates: explicit topics, a cause in every event, typed state.

State is declared as dataclass fields with `init=False`; events set it in their `apply`. Checks
stand in the aggregate's public methods, never in `apply`, which runs again at every replay.
"""

from dataclasses import field
from typing import Any, ClassVar, Self
from uuid import UUID

from eventsourcing.domain import (
    AggregateCreated,
    AggregateEvent,
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
)
from eventsourcing.domain import Snapshot as _Snapshot

from domain.cause import Cause, current_cause


class Event(AggregateEvent):
    """Something that happened to an aggregate. `TOPIC` is storage: it never changes."""

    TOPIC: ClassVar[str]
    cause: Cause

    @property
    def reference(self) -> str:
        """How a causation id names this event: `<stream>/<version>`."""
        return f"{self.originator_id}/{self.originator_version}"


class CreatedEvent(Event, AggregateCreated):
    """The first event of a stream. `request_hash` identifies the input it was made from, so that
    an idempotency key cannot be used again with another input."""

    request_hash: str

    def mutate(self, aggregate: Any) -> Any:
        created: Any = super().mutate(aggregate)
        created.tenant_id = self.cause.tenant_id
        created.request_hash = self.request_hash
        return created


class Aggregate(BaseAggregate[UUID]):
    """An aggregate owned by one tenant. Versions count from 1."""

    class Event(Event):
        """The base of this aggregate's events."""

    tenant_id: UUID = field(init=False)
    request_hash: str = field(init=False)

    Snapshot = _Snapshot

    @property
    def reference(self) -> str:
        """How a causation id names the newest event, pending ones included."""
        return f"{self.id}/{self.version}"

    @classmethod
    def _create(
        cls,
        event_class: type[CanInitAggregate[UUID]],
        *,
        id: UUID | None = None,
        **kwargs: Any,
    ) -> Self:
        return super()._create(event_class, id=id, cause=current_cause(), **kwargs)

    def trigger_event(self, event_class: type[CanMutateAggregate[UUID]], **kwargs: Any) -> None:
        super().trigger_event(event_class, cause=current_cause(), **kwargs)
