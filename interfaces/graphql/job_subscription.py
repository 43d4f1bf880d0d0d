"""How a job goes on: its events by position, and between them the ticks of its running stage.

A tick is worth nothing once a newer one is there, so the last one alone is kept for a client that
is slow, and one of an earlier stage or attempt is not told at all.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from uuid import UUID

import orjson
import strawberry

from application.plain_json import from_json
from application.ports.event_log import RecordedEvent
from application.ports.leases import Tick
from application.ports.listening import TICKS
from application.views.job import JobRow, jobs
from application.views.memory_tables import MemoryTables
from domain.job import Job as JobStream
from domain.job import JobStatus
from interfaces.graphql.context import Info
from interfaces.graphql.fields import subscription
from interfaces.graphql.following import require_stream, start_of
from interfaces.graphql.job import JobProgress
from interfaces.graphql.node import parsed_id
from interfaces.graphql.paging import MOST
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.tail import Bell


class _LastTick:
    """The last tick of one job; `heard` runs in the listener's thread."""

    def __init__(self, job_id: UUID, bell: Bell) -> None:
        self._id, self._bell = str(job_id), bell
        self._tick: Tick | None = None

    def heard(self, payload: str | None) -> None:
        if payload and self._id in payload:
            tick = from_json(orjson.loads(payload), Tick)
            if str(tick.job_id) == self._id:
                self.keep(tick)
                self._bell.ring()

    def keep(self, tick: Tick | None) -> None:
        self._tick = tick

    def take(self, row: JobRow) -> Tick | None:
        """The tick, unless it was taken before or the job has gone on since."""
        tick, self._tick = self._tick, None
        running = row.status == JobStatus.RUNNING
        if tick is None or not running or (tick.attempt, tick.stage) != (row.attempt, row.stage):
            return None
        return tick


class _JobState:
    """The job's row, folded from its events."""

    def __init__(self) -> None:
        self._tables = MemoryTables(jobs)
        self.position = 0

    def apply(self, event: RecordedEvent) -> None:
        self._tables.fold([event])
        self.position = event.position

    @property
    def row(self) -> JobRow:
        return JobRow(**self._tables.rows("jobs")[0])


@contextmanager
def _ticks_of(info: Info, job_id: UUID, bell: Bell) -> Iterator[_LastTick]:
    last = _LastTick(job_id, bell)
    unsubscribe = info.context.listener.subscribe(TICKS, last.heard)
    try:
        yield last
    finally:
        unsubscribe()


async def progress_of(info: Info, job_id: UUID, start: int) -> AsyncGenerator[JobProgress, None]:
    """The job's events after a position and its ticks, until it has ended."""
    async with info.context.tails.of(info.context.tenant_id) as tail:
        with tail.bell_of(job_id) as bell, _ticks_of(info, job_id, bell) as last_tick:
            async with aclosing(_steps(info, job_id, start, bell, last_tick)) as steps:
                async for step in steps:
                    yield step


async def _steps(
    info: Info, job_id: UUID, start: int, bell: Bell, last_tick: _LastTick
) -> AsyncGenerator[JobProgress, None]:
    reads, state, connected = info.context.present.reads, _JobState(), False
    while True:
        bell.hush()
        events = await reads.streams([job_id], state.position, None, MOST)
        for event in events:
            state.apply(event)
            if event.position > start:
                info.context.following.position = event.position
                yield JobProgress.of_row(state.row)
        if len(events) == MOST:
            continue
        if JobStatus(state.row.status).ended:
            return
        if not connected:
            connected = True
            last_tick.keep((await reads.ticks([job_id])).get(job_id))
        tick = last_tick.take(state.row)
        if tick is not None:
            yield JobProgress.of_tick(tick)
        await bell.wait()


@strawberry.type
class JobSubscription:
    @subscription("Stages with their position, ticks without; completes when the job has ended.")
    async def job_progressed(
        self, info: Info, job_id: strawberry.ID, after: BigInt | None = None
    ) -> AsyncGenerator[JobProgress, None]:
        job = parsed_id("Job", job_id, "jobId")
        await require_stream(info, job, JobStream.Requested.TOPIC, "job", "jobId")
        start = await start_of(info, after)
        async with aclosing(progress_of(info, job, start)) as steps:
            async for step in steps:
                yield step
