"""Jobs: what was asked for, how far it is, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from application.jobs.lacking import sentences
from application.jobs.registry import needs_of
from application.ports.leases import Tick
from application.ports.reads import Paging, Where
from application.views.job import JobRow
from application.views.model import ModelRow
from domain.job import JobStatus
from domain.refusal import not_found
from interfaces.graphql.batching import Batched, Present
from interfaces.graphql.context import Info
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, checked_text, read_of, rows_at, waited
from interfaces.graphql.scalars import BigInt

strawberry.enum(JobStatus)


@strawberry.type(description="Why a job failed, and whose fault it is: REQUEST or PLATFORM.")
class JobFailure:
    code: str
    message: str
    fault: str
    retryable: bool


@strawberry.type(description="How far a job is. A tick of progress has no position, an event has.")
class JobProgress:
    job_id: strawberry.ID
    status: JobStatus
    attempt: int
    stage: str | None
    percent: float | None
    message: str | None
    position: BigInt | None

    @classmethod
    def of_tick(cls, tick: Tick) -> "JobProgress":
        return cls(
            job_id=global_id("Job", tick.job_id),
            status=JobStatus.RUNNING,
            attempt=tick.attempt,
            stage=tick.stage,
            percent=tick.percent,
            message=tick.message,
            position=None,
        )

    @classmethod
    def of_row(cls, row: JobRow) -> "JobProgress":
        """The state of a job after one of its events."""
        failure = row.failure or {}
        return cls(
            job_id=global_id("Job", row.id),
            status=JobStatus(row.status),
            attempt=row.attempt,
            stage=row.stage,
            percent=None,
            message=failure.get("message"),
            position=BigInt(row.changed),
        )


@strawberry.type(description="Work that the platform carries out in the background.")
class Job(Node):
    row: strawberry.Private[JobRow]
    rows: strawberry.Private[Batched]
    kind: str
    model_id: strawberry.ID
    status: JobStatus
    attempt: int
    stage: str | None
    cancel_requested: bool
    input: JSON
    result: JSON | None
    failure: JobFailure | None
    requested_at: datetime
    requested_by: str
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: JobRow, rows: Batched) -> "Job":
        failure = row.failure and JobFailure(
            **{name: row.failure[name] for name in ("code", "message", "fault", "retryable")}
        )
        return cls(
            row=row,
            rows=rows,
            id=global_id("Job", row.id),
            kind=row.kind,
            model_id=global_id("Model", row.model_id),
            status=JobStatus(row.status),
            attempt=row.attempt,
            stage=row.stage,
            cancel_requested=row.cancel_requested,
            input=JSON(row.input),
            result=None if row.result is None else JSON(row.result),
            failure=failure or None,
            requested_at=row.requested_at,
            requested_by=row.requested_by,
            started_at=row.started_at,
            finished_at=row.finished_at,
            not_before=row.not_before,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("The last tick, while the job runs.")
    async def progress(self) -> JobProgress | None:
        if self.status.ended or not isinstance(self.rows, Present):
            return None
        tick = await self.rows.tick(self.row.id)
        return JobProgress.of_tick(tick) if tick else None

    @field(
        "What the job needs and no living worker offers, such as kind:optimize. While there is"
        " any, a job that waits goes on waiting; empty for one that runs or has ended."
    )
    async def waiting_for(self) -> list[str]:
        return await self._missing()

    @field("`waitingFor` in sentences, each with a remedy.")
    async def waiting_because(self) -> list[str]:
        return sentences(await self._missing())

    @field("What the device profile decided for this job, and why.")
    async def reasons(self) -> list[str]:
        return [str(reason) for reason in self.row.input.get("reasons", ())]

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)

    async def _missing(self) -> list[str]:
        waits = self.status in (JobStatus.QUEUED, JobStatus.RETRYING)
        if not waits or not isinstance(self.rows, Present):
            return []
        return await self.rows.missing(needs_of(self.row.kind, self.row.input))


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list is about."""

    status: JobStatus | None = None
    kind: str | None = None

    def where(self) -> list[tuple[str, Any]]:
        kind = None if self.kind is None else checked_text("kind", self.kind)
        asked = {"status": self.status and self.status.value, "kind": kind}
        return [(column, value) for column, value in asked.items() if value is not None]


async def jobs_of(rows: Batched, model_id: Any, paging: Paging) -> Connection[Job]:
    """A model's jobs."""
    page = await rows.page_of(JobRow, "model_id", model_id, paging)
    return connection_of(page, lambda row: Job.of(row, rows))


@strawberry.type
class JobQuery:
    @nullable()
    async def job(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Job | None:
        await waited(info, wait_for, "jobs")
        return await read_of(info, Job, JobRow, parsed_id("Job", id, "id"), as_of)

    @field()
    async def jobs(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        model_id: strawberry.ID | None = None,
        status: JobStatus | None = None,
        kind: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Job]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "jobs")
        rows, equal = await rows_at(info, as_of), JobFilter(status, kind).where()
        if model_id is not None:
            model = parsed_id("Model", model_id, "modelId")
            if await rows.one(ModelRow, model) is None:
                raise not_found("model", "modelId")
            equal.append(("model_id", model))
        page = await rows.rows.page(JobRow, Where(tuple(equal)), paging)
        return connection_of(page, lambda row: Job.of(row, rows))
