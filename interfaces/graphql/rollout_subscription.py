"""A rollout live: what is decided on it, and how far its devices are."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import strawberry

from application.as_of import EVENTS_AT_ONCE
from application.ports.reads import EventRow
from application.views.memory_tables import MemoryTables
from application.views.rollout import RolloutRow, rollouts
from application.views.update import UpdateRow, updates
from domain.rollout import Rollout as RolloutStream
from interfaces.graphql.context import Info
from interfaces.graphql.event import Event
from interfaces.graphql.fields import subscription
from interfaces.graphql.following import appended, require_stream, start_of
from interfaces.graphql.mutating import caught_up
from interfaces.graphql.node import parsed_id
from interfaces.graphql.rollout import Rollout
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.update import Update


@strawberry.type(
    description="An event of a rollout or of one of its updates: `rollout` as the event left it,"
    " `update` as it is now, where the event is one of an update's."
)
class RolloutProgress:
    rollout: Rollout
    update: Update | None
    event: Event


class _Followed:
    """A rollout as it was at the last event that was looked at, and its updates as they are."""

    def __init__(self, info: Info, stream: UUID) -> None:
        self._info, self._stream = info, stream
        self._tables, self._read = MemoryTables(rollouts), 0

    async def progress(self, event: EventRow) -> RolloutProgress | None:
        """None for an event of something else. Positions must not fall."""
        present = self._info.context.present
        update = None
        if event.stream_id != self._stream:
            if event.topic not in updates.topics:
                return None
            await caught_up(self._info, event.position, "updates")
            row = await present.one(UpdateRow, event.stream_id)
            if row is None or row.rollout_id != self._stream:
                return None
            update = Update.of(row, present)
        await self._fold(event.position)
        (rollout,) = self._tables.rows("rollouts")
        return RolloutProgress(
            rollout=Rollout.of(RolloutRow(**rollout), present),
            update=update,
            event=Event.of(event),
        )

    async def _fold(self, until: int) -> None:
        reads = self._info.context.present.reads
        while self._read < until:
            events = await reads.streams([self._stream], self._read, until, EVENTS_AT_ONCE)
            self._tables.fold(events)
            whole = len(events) < EVENTS_AT_ONCE
            self._read = until if whole else events[-1].position


@strawberry.type
class RolloutSubscription:
    @subscription(
        "Every event of a rollout and of its updates; it goes on after its end, since what was"
        " confirmed may still be taken back."
    )
    async def rollout_progressed(
        self, info: Info, rollout_id: strawberry.ID, after: BigInt | None = None
    ) -> AsyncGenerator[RolloutProgress, None]:
        stream = parsed_id("Rollout", rollout_id, "rolloutId")
        await require_stream(info, stream, RolloutStream.Drafted.TOPIC, "rollout", "rolloutId")
        start, followed = await start_of(info, after), _Followed(info, stream)
        async with aclosing(appended(info, start, None)) as events:
            async for event in events:
                progress = await followed.progress(event)
                if progress is not None:
                    yield progress
