"""What people see of jobs, and the measurements that benchmark jobs brought."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.job import Job, JobStatus


@dataclass(frozen=True, slots=True)
class JobRow:
    id: UUID
    tenant_id: UUID
    kind: str
    model_id: UUID
    status: str
    attempt: int
    stage: str | None
    cancel_requested: bool
    input: dict[str, Any]
    result: dict[str, Any] | None
    failure: dict[str, Any] | None
    not_before: datetime | None
    requested_at: datetime
    requested_by: str
    started_at: datetime | None
    finished_at: datetime | None
    position: int
    changed: int


jobs = View("jobs", {"jobs": ("id",)})


def _change(event: Job.Event, at: RecordedEvent, **columns: Any) -> Update:
    return Update("jobs", {"id": event.originator_id}, {"changed": at.position, **columns})


@jobs.on(Job.Requested)
def _requested(event: Job.Requested, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "jobs",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "kind": event.kind,
            "model_id": event.model_id,
            "status": JobStatus.QUEUED,
            "attempt": 0,
            "stage": None,
            "cancel_requested": False,
            "input": event.input,
            "result": None,
            "failure": None,
            "not_before": None,
            "requested_at": event.timestamp,
            "requested_by": event.cause.actor,
            "started_at": None,
            "finished_at": None,
            "position": at.position,
            "changed": at.position,
        },
    )


@jobs.on(Job.Claimed)
def _claimed(event: Job.Claimed, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        status=JobStatus.RUNNING,
        attempt=event.attempt,
        stage=None,
        not_before=None,
        started_at=event.timestamp,
    )


@jobs.on(Job.StageStarted)
def _stage_started(event: Job.StageStarted, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, stage=event.stage)


@jobs.on(Job.StageFinished)
def _stage_finished(event: Job.StageFinished, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, stage=None)


@jobs.on(Job.RetryScheduled)
def _retry_scheduled(event: Job.RetryScheduled, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        status=JobStatus.RETRYING,
        stage=None,
        failure=asdict(event.failure),
        not_before=event.not_before,
    )


@jobs.on(Job.Interrupted)
def _interrupted(event: Job.Interrupted, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, status=JobStatus.QUEUED, stage=None)


@jobs.on(Job.CancelRequested)
def _cancel_requested(event: Job.CancelRequested, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, cancel_requested=True)


@jobs.on(Job.Succeeded)
def _succeeded(event: Job.Succeeded, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, JobStatus.SUCCEEDED, result=event.result, failure=None)


@jobs.on(Job.Failed)
def _failed(event: Job.Failed, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, JobStatus.FAILED, failure=asdict(event.failure))


@jobs.on(Job.Cancelled)
def _cancelled(event: Job.Cancelled, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, JobStatus.CANCELLED)


def _ended(event: Job.Event, at: RecordedEvent, status: JobStatus, **columns: Any) -> Update:
    return _change(event, at, status=status, stage=None, finished_at=event.timestamp, **columns)
