"""A follower's handling, told to the trace of each event that it handles."""

import time
from collections.abc import Iterable, Iterator

from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.event_log import RecordedEvent
from application.ports.tracing import UNTRACED, After, Tracing
from infrastructure.following.advance import Handling
from infrastructure.following.policy import Reacting


class TracedProjection:
    """A view: a batch is one piece of work, which is in the trace of every event of it."""

    def __init__(self, handling: Handling, tracing: Tracing) -> None:
        self._handling, self._tracing = handling, tracing
        self.name, self.topics = handling.name, handling.topics
        self.at_once = handling.at_once

    def handle(self, connection: Connection[DictRow], events: Iterable[RecordedEvent]) -> None:
        began = time.time()
        handled: list[RecordedEvent] = []

        def passing() -> Iterator[RecordedEvent]:
            for recorded in events:
                handled.append(recorded)
                yield recorded

        self._handling.handle(connection, passing())
        name, size = f"projection {self.name}", len(handled)
        for recorded in handled:
            self._tracing.past(name, _after(recorded), began, batch=size)


class TracedPolicy(TracedProjection):
    """A policy: one event after another, and the commands that each leads to inside its span."""

    def handle(self, connection: Connection[DictRow], events: Iterable[RecordedEvent]) -> None:
        for recorded in events:
            with self._tracing.span(self.name, _after(recorded), "consumer"):
                self._handling.handle(connection, [recorded])


def traced(handlings: Iterable[Handling], tracing: Tracing) -> list[Handling]:
    """The same handlings, told to the traces where somebody listens."""
    if tracing is UNTRACED:
        return list(handlings)
    return [
        (TracedPolicy if isinstance(handling, Reacting) else TracedProjection)(handling, tracing)
        for handling in handlings
    ]


def _after(recorded: RecordedEvent) -> After:
    return After(recorded.event.cause.correlation_id, recorded.event.reference)
