"""A job: work that the platform carries out in the background, in attempts.

        Requested ──► Claimed(n) ──► StageStarted/StageFinished … ──► Succeeded
            ▲             │ ├──► RetryScheduled ──► Claimed(n+1)
            │             │ ├──► Failed
            ├─ Interrupted ◄┤
            └─ takeover ◄─┘ └──► Cancelled

PostgreSQL owns this state; a message in a queue is only a hint to look at it. Every report carries
its attempt, and a report of an attempt that is no longer the current one is refused, so that a
worker that was thought dead cannot spoil the work of the one that took over.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.refusal import Refusal, RefusalCode

MOST_ATTEMPTS = 4
FIRST_DELAY = timedelta(seconds=2)


class JobStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class Fault(StrEnum):
    """Whose fault a failure is. A unit of quota spent on a job that failed through the
    platform's fault is returned."""

    REQUEST = "REQUEST"
    PLATFORM = "PLATFORM"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed: a stable code, words with a remedy, and whose fault it is."""

    code: str
    message: str
    fault: Fault
    retryable: bool = False


class OutdatedAttempt(Exception):
    """A report from an attempt that another one has replaced, or for a job that has ended."""


class Job(Aggregate):
    """A piece of background work. `input` and `result` are plain JSON, shaped by the kind."""

    TOPIC = "job"
    kind: str = field(init=False)
    model_id: UUID = field(init=False)
    input: dict[str, Any] = field(init=False)
    status: JobStatus = field(init=False)
    attempt: int = field(init=False, default=0)
    stage: str | None = field(init=False, default=None)
    interruptions: int = field(init=False, default=0)
    cancel_requested: bool = field(init=False, default=False)
    not_before: datetime | None = field(init=False, default=None)
    result: dict[str, Any] | None = field(init=False, default=None)
    failure: Failure | None = field(init=False, default=None)

    class Event(Aggregate.Event):
        pass

    class Requested(Event, CreatedEvent):
        TOPIC = "job.requested"
        kind: str
        model_id: UUID
        input: dict[str, Any]

        def apply(self, aggregate: "Job") -> None:
            aggregate.kind = self.kind
            aggregate.model_id = self.model_id
            aggregate.input = self.input
            aggregate.status = JobStatus.QUEUED

    class Claimed(Event):
        TOPIC = "job.claimed"
        attempt: int
        worker: str

        def apply(self, aggregate: "Job") -> None:
            aggregate.attempt = self.attempt
            aggregate.status = JobStatus.RUNNING
            aggregate.stage = None

    class StageStarted(Event):
        TOPIC = "job.stage-started"
        attempt: int
        stage: str

        def apply(self, aggregate: "Job") -> None:
            aggregate.stage = self.stage

    class StageFinished(Event):
        TOPIC = "job.stage-finished"
        attempt: int
        stage: str

        def apply(self, aggregate: "Job") -> None:
            aggregate.stage = None

    class RetryScheduled(Event):
        TOPIC = "job.retry-scheduled"
        attempt: int
        failure: Failure
        not_before: datetime

        def apply(self, aggregate: "Job") -> None:
            aggregate.status = JobStatus.RETRYING
            aggregate.not_before = self.not_before
            aggregate.stage = None

    class Interrupted(Event):
        """The worker shut down in good order and gave the job back: no failed attempt."""

        TOPIC = "job.interrupted"
        attempt: int

        def apply(self, aggregate: "Job") -> None:
            aggregate.status = JobStatus.QUEUED
            aggregate.interruptions += 1
            aggregate.stage = None

    class Succeeded(Event):
        TOPIC = "job.succeeded"
        attempt: int
        kind: str
        model_id: UUID
        result: dict[str, Any]

        def apply(self, aggregate: "Job") -> None:
            aggregate.status = JobStatus.SUCCEEDED
            aggregate.result = self.result
            aggregate.stage = None

    class Failed(Event):
        TOPIC = "job.failed"
        attempt: int
        failure: Failure

        def apply(self, aggregate: "Job") -> None:
            aggregate.status = JobStatus.FAILED
            aggregate.failure = self.failure

    class CancelRequested(Event):
        TOPIC = "job.cancel-requested"

        def apply(self, aggregate: "Job") -> None:
            aggregate.cancel_requested = True

    class Cancelled(Event):
        """`started` tells whether any work was done: what never started is not charged."""

        TOPIC = "job.cancelled"
        attempt: int
        started: bool

        def apply(self, aggregate: "Job") -> None:
            aggregate.status = JobStatus.CANCELLED
            aggregate.stage = None

    @classmethod
    def request(
        cls,
        job_id: UUID,
        kind: str,
        model_id: UUID,
        input: dict[str, Any],
        request_hash: str,
    ) -> "Job":
        return cls._create(
            cls.Requested,
            id=job_id,
            request_hash=request_hash,
            kind=kind,
            model_id=model_id,
            input=input,
        )

    def claim(self, worker: str) -> int:
        """Begins the next attempt and returns its number. The caller holds the job's lease, so a
        RUNNING job is one whose worker fell silent.

        Raises OutdatedAttempt when the job has ended. After the last attempt fell silent, the job
        fails instead, and 0 is returned."""
        if self.status.ended:
            raise OutdatedAttempt(f"the job is {self.status}")
        if self.failed_attempts >= MOST_ATTEMPTS:
            message = f"The worker fell silent in each of {MOST_ATTEMPTS} attempts."
            self._fail(Failure("WORKER_LOST", message, Fault.PLATFORM))
            return 0
        self.trigger_event(Job.Claimed, attempt=self.attempt + 1, worker=worker)
        return self.attempt

    def start_stage(self, attempt: int, stage: str) -> None:
        self._require_current(attempt)
        self.trigger_event(Job.StageStarted, attempt=attempt, stage=stage)

    def finish_stage(self, attempt: int, stage: str) -> None:
        self._require_current(attempt)
        self.trigger_event(Job.StageFinished, attempt=attempt, stage=stage)

    def succeed(self, attempt: int, result: dict[str, Any]) -> None:
        self._require_current(attempt)
        self.trigger_event(
            Job.Succeeded,
            attempt=attempt,
            kind=self.kind,
            model_id=self.model_id,
            result=result,
        )

    def fail(self, attempt: int, failure: Failure, now: datetime) -> None:
        """Schedules another attempt after a retryable fault, with exponential backoff (2 s, 4 s,
        8 s); else the job has failed."""
        self._require_current(attempt)
        if not failure.retryable or self.failed_attempts >= MOST_ATTEMPTS:
            self._fail(failure)
            return
        delay = FIRST_DELAY * 2 ** (self.failed_attempts - 1)
        self.trigger_event(
            Job.RetryScheduled, attempt=attempt, failure=failure, not_before=now + delay
        )

    def interrupt(self, attempt: int) -> None:
        """The worker gives the job back, to be taken up again by whoever comes."""
        self._require_current(attempt)
        self.trigger_event(Job.Interrupted, attempt=attempt)

    @property
    def failed_attempts(self) -> int:
        """Attempts begun, without those that a worker gave back in good order."""
        return self.attempt - self.interruptions

    def request_cancel(self) -> None:
        """Asks the worker to stop; a job that no worker holds is cancelled at once.

        Raises Refusal(INVALID_STATE) for a job that has ended otherwise."""
        if self.status is JobStatus.CANCELLED or self.cancel_requested:
            return
        if self.status.ended:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The job has {self.status.lower()} already; there is nothing to cancel.",
            )
        self.trigger_event(Job.CancelRequested)
        if self.status is not JobStatus.RUNNING:
            self.trigger_event(Job.Cancelled, attempt=self.attempt, started=self.attempt > 0)

    def confirm_cancel(self, attempt: int) -> None:
        """The worker reports that the work has stopped."""
        self._require_current(attempt)
        self.trigger_event(Job.Cancelled, attempt=attempt, started=True)

    def _fail(self, failure: Failure) -> None:
        self.trigger_event(Job.Failed, attempt=self.attempt, failure=failure)

    def _require_current(self, attempt: int) -> None:
        if self.status is not JobStatus.RUNNING or attempt != self.attempt:
            raise OutdatedAttempt(f"attempt {attempt} is not current: {self.status}")
