"""What a list of the past costs: 10,000 and 100,000 events of jobs, first, again and a step later.

The baseline of each is the live list. `note` says for how long a fold keeps the event loop from
other requests, and what the folded past takes of memory.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from statistics import median
from uuid import UUID, uuid4

from application.pasts import Pasts, TenantPast
from application.ports.reads import EVERYTHING, Paging, Rows, TenantReads
from application.views.job import JobRow, jobs
from benchmarks.figure import Figure
from benchmarks.installation import temporary_installation
from domain.cause import Cause, acting
from domain.job import Job
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.reads import PostgresReads
from interfaces.bootstrap import Installation

STAGES = ("fetch", "optimize", "measure")
EVENTS_OF_A_JOB = 3 + 2 * len(STAGES)
JOBS_AT_ONCE = 100
PAGE = Paging(50)


def measure() -> Iterable[Figure]:
    """Cold, repeated and extended, after 10,000 events and after 100,000."""
    with temporary_installation() as (installation, _):
        return asyncio.run(_all(installation))


async def _all(installation: Installation) -> list[Figure]:
    tenant_id, done, figures = uuid4(), 0, list[Figure]()
    await installation.database.open_reads()
    reads = PostgresReads(installation.database).within(tenant_id)
    for events in (10_000, 100_000):
        await asyncio.to_thread(_work, installation, tenant_id, (events - done) // EVENTS_OF_A_JOB)
        figures += await _measured(reads, tenant_id, events)
        done = events
    await installation.database.close_reads()
    return figures


def _work(installation: Installation, tenant_id: UUID, wanted: int) -> None:
    """So many jobs from request to success, projected."""
    with acting(Cause(tenant_id, "key:bench", "request:bench", "bench")):
        for start in range(0, wanted, JOBS_AT_ONCE):
            installation.log.save(*_jobs(min(JOBS_AT_ONCE, wanted - start)))
    follower = Follower(installation.database, Projection(jobs), TypedMapper())
    follower.step()  # the first time it only enrolls
    while follower.step():
        pass


def _jobs(count: int) -> Iterator[Job]:
    for _ in range(count):
        files = [{"path": "model.onnx", "sha256": "ab" * 32, "bytes": 12_345}]
        given = {"artifact": {"id": str(uuid4()), "files": files}, "spec": {"level": "BALANCED"}}
        job = Job.request(uuid4(), "optimize", uuid4(), given, "")
        attempt = job.claim("worker:1")
        for stage in STAGES:
            job.start_stage(attempt, stage)
            job.finish_stage(attempt, stage)
        job.succeed(attempt, {"artifacts": [{"id": str(uuid4()), "files": files}] * 3})
        yield job


async def _measured(reads: TenantReads, tenant_id: UUID, events: int) -> list[Figure]:
    head, pasts = await reads.head(), Pasts()

    def past(position: int) -> Rows:
        return TenantPast(pasts, reads, tenant_id, position)

    live = await _milliseconds(lambda: _ask(reads))
    stall = _Stall()
    async with stall:
        first = await _milliseconds(lambda: _ask(past(head - 1_000)), times=1)
    again = await _milliseconds(lambda: _ask(past(head - 1_000)))
    later = await _milliseconds(lambda: _ask(past(head)), times=1)
    kept = (await pasts.tables(reads, tenant_id, jobs, head)).weight / 1e6
    note = f"others waited for the loop {stall.longest * 1000:.0f} ms at most; kept: {kept:.0f} MB"
    return [
        _figure(f"as_of_first_{events}", first, live, note),
        _figure(f"as_of_again_{events}", again, live),
        _figure(f"as_of_1000_later_{events}", later, live),
    ]


async def _ask(rows: Rows) -> None:
    assert len((await rows.page(JobRow, EVERYTHING, PAGE)).rows) == PAGE.count


async def _milliseconds(ask: Callable[[], Awaitable[None]], times: int = 20) -> float:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - start)
    return median(took) * 1000


class _Stall:
    """Wants the event loop every millisecond, and notes the longest time it had to wait."""

    longest = 0.0

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._want())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _want(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - start - 0.001)


def _figure(name: str, value: float, live: float, note: str | None = None) -> Figure:
    return Figure(name, value, "ms", live, value / live, "the live list", note=note)
