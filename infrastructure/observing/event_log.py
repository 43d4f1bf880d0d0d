"""The event log with every save measured, and told to the trace that it belongs to."""

import time
from collections.abc import Collection, Sequence
from typing import TypeVar
from uuid import UUID

from prometheus_client import Counter, Histogram

from application.ports.event_log import EventLog, Moment, RecordedEvent
from application.ports.tracing import After, Tracing
from domain.aggregate import Aggregate, Event

A = TypeVar("A", bound=Aggregate)

SECONDS = Histogram(
    "edgewise_append_seconds",
    "Time to make the events of one save durable",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
APPENDED = Counter("edgewise_events_appended", "Events that this process made durable")


class ObservedEventLog:
    """Implements `application.ports.event_log.EventLog` on another one."""

    def __init__(self, log: EventLog, tracing: Tracing) -> None:
        self._log, self._tracing = log, tracing

    def find(self, aggregate_class: type[A], stream: UUID) -> A | None:
        return self._log.find(aggregate_class, stream)

    def find_all(self, aggregate_class: type[A], streams: Collection[UUID]) -> dict[UUID, A]:
        return self._log.find_all(aggregate_class, streams)

    def save(self, *aggregates: Aggregate) -> int:
        events = [event for one in aggregates for event in _pending(one)]
        if not events:
            return self._log.save(*aggregates)
        began, cause = time.perf_counter(), events[0].cause
        with self._tracing.span("append", After(cause.correlation_id), events=len(events)):
            position = self._log.save(*aggregates)
            for event in events:
                self._tracing.happened(event)
        SECONDS.observe(time.perf_counter() - began)
        APPENDED.inc(len(events))
        return position

    def stream(self, stream: UUID, until: Moment = Moment()) -> Sequence[RecordedEvent]:  # noqa: B008
        return self._log.stream(stream, until)

    def after(self, position: int, limit: int) -> Sequence[RecordedEvent]:
        return self._log.after(position, limit)


def _pending(aggregate: Aggregate) -> list[Event]:
    return [event for event in aggregate.pending_events if isinstance(event, Event)]
