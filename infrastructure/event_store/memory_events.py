"""Typed events out of the log in memory: what folding the past needs of a tenant's log."""

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from uuid import UUID

from application.ports.event_log import RecordedEvent
from domain.cause import Cause, acting
from infrastructure.event_store.memory import MemoryEventLog

EVERY_ONE = 2**31


class MemoryTypedEvents:
    """Implements `application.ports.reads.TypedEvents` for one tenant."""

    def __init__(self, log: MemoryEventLog, tenant_id: UUID) -> None:
        self._log = log
        self._cause = Cause(tenant_id, "system", "reading", "reading")

    async def streams(
        self, streams: Collection[UUID], after: int, until: int | None, limit: int
    ) -> Sequence[RecordedEvent]:
        wanted = set(streams)
        return self._next(after, until, limit, lambda e: e.event.originator_id in wanted)

    async def of_topics(
        self, topics: Collection[str], after: int, until: int, limit: int
    ) -> Sequence[RecordedEvent]:
        wanted = set(topics)
        return self._next(after, until, limit, lambda e: e.event.TOPIC in wanted)

    def _next(
        self, after: int, until: int | None, limit: int, wanted: Callable[[RecordedEvent], bool]
    ) -> Sequence[RecordedEvent]:
        with acting(self._cause):
            events = self._log.after(after, EVERY_ONE)
        found = (
            recorded
            for recorded in events
            if wanted(recorded) and (until is None or recorded.position <= until)
        )
        return list(islice(found, limit))
