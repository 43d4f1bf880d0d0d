"""The event log in memory: for tests, and for trying a thing without a database."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import TypeVar
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import ConcurrentChange, Moment, RecordedEvent, require_own
from domain.aggregate import Aggregate, Event
from domain.cause import current_cause
from infrastructure.event_store.mapper import TypedMapper

A = TypeVar("A", bound=Aggregate)


class MemoryEventLog:
    """Implements `application.ports.event_log.EventLog`; events pass through JSON as in storage."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mapper = TypedMapper()
        self._rows: list[tuple[UUID, datetime, StoredEvent]] = []

    def find(self, aggregate_class: type[A], stream: UUID) -> A | None:
        aggregate: Aggregate | None = None
        for recorded in self.stream(stream):
            aggregate = recorded.event.mutate(aggregate)
        return aggregate if isinstance(aggregate, aggregate_class) else None

    def find_all(self, aggregate_class: type[A], streams: Collection[UUID]) -> dict[UUID, A]:
        found = {stream: self.find(aggregate_class, stream) for stream in streams}
        return {stream: one for stream, one in found.items() if one is not None}

    def save(self, *aggregates: Aggregate) -> int:
        require_own(aggregates)
        events = [event for aggregate in aggregates for event in aggregate.collect_events()]
        stored = [self._mapper.to_stored_event(event) for event in events]
        with self._lock:
            taken = {(row.originator_id, row.originator_version) for *_, row in self._rows}
            if any((row.originator_id, row.originator_version) in taken for row in stored):
                raise ConcurrentChange
            now, tenant_id = datetime.now(UTC), current_cause().tenant_id
            self._rows.extend((tenant_id, now, row) for row in stored)
            mine = [place for place, row in enumerate(self._rows, 1) if row[0] == tenant_id]
            return mine[-1] if mine else 0

    def stream(self, stream: UUID, until: Moment = Moment()) -> Sequence[RecordedEvent]:  # noqa: B008
        return [
            recorded
            for recorded in self.after(0, len(self._rows))
            if recorded.event.originator_id == stream
            and (until.position is None or recorded.position <= until.position)
            and (until.time is None or recorded.recorded_at <= until.time)
        ]

    def after(self, position: int, limit: int) -> Sequence[RecordedEvent]:
        tenant_id = current_cause().tenant_id
        found: list[RecordedEvent] = []
        for place, (owner, time, row) in enumerate(self._rows[position:], position + 1):
            if owner == tenant_id and len(found) < limit:
                event = self._mapper.to_domain_event(row)
                found.append(RecordedEvent(place, time, owner, _typed(event)))
        return found


def _typed(event: DomainEventProtocol[UUID]) -> Event:
    assert isinstance(event, Event)
    return event
