"""One attempt at a job: claimed under a lease, watched, reported once.

The lease keeps two workers apart in the common case; the attempt's number, checked at each report
against the job's own stream, keeps them apart in every case. A worker that loses its lease stops
and reports nothing.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from application.commands.command import Request, cause_of, retrying
from application.jobs.capability import Words, of_kind
from application.jobs.kind import JobKind, Work
from application.platform import Platform
from application.ports.engine import CrashKind, EngineCancelled, EngineCrashed, EngineRefusal
from application.ports.leases import LEASE_TIME, Acquired, Leases, Tick
from application.ports.tracing import After
from application.storage_full import REMEDY, is_storage_full
from domain.cause import acting, because_of
from domain.job import Failure, Fault, Job, JobStatus, OutdatedAttempt
from domain.principal import system

log = logging.getLogger(__name__)

BEAT = LEASE_TIME.total_seconds() / 10
TICK_EVERY = 0.2
_MAKES_DUE = (Job.Requested, Job.RetryScheduled, Job.Interrupted, Job.Claimed)
"""A claim without a report is one whose worker fell silent: the next attempt follows from it."""


def _nothing_else() -> Words:
    return frozenset()


@dataclass(frozen=True)
class Worker:
    """What a worker process needs: its name, the kinds it can do, what tells its engine's other
    abilities, and the leases."""

    platform: Platform
    leases: Leases
    kinds: Mapping[str, JobKind]
    name: str
    abilities: Callable[[], Words] = _nothing_else
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process shuts down: work under way is stopped and given back."""

    @property
    def offers(self) -> Words:
        return self.abilities() | {of_kind(kind) for kind in self.kinds}


def work_on(worker: Worker, tenant_id: UUID, job_id: UUID) -> Acquired:
    """Carries the job one attempt further, if it is due and nobody else is at it."""
    job = _find(worker, tenant_id, job_id)
    if job is None or job.status.ended or _too_early(worker, job):
        return Acquired.HELD
    if not _able(worker, job):
        return Acquired.UNABLE
    # A name of its own: a thread that lost its lease must not pass for the one that took over in
    # the same process.
    holder = f"{worker.name}:{uuid4().hex[:8]}"
    outcome = worker.leases.acquire(tenant_id, job_id, job.kind, holder)
    if outcome is Acquired.OURS:
        try:
            Attempt(worker, tenant_id, job_id, holder).run()
        finally:
            worker.leases.release(tenant_id, job_id, holder)
    return outcome


def _find(worker: Worker, tenant_id: UUID, job_id: UUID) -> Job | None:
    with acting(cause_of(Request(system(tenant_id)))):
        return worker.platform.log.find(Job, job_id)


def _able(worker: Worker, job: Job) -> bool:
    kind = worker.kinds.get(job.kind)
    return kind is not None and kind.needs(job.input) <= worker.abilities()


def _too_early(worker: Worker, job: Job) -> bool:
    return (
        job.status is JobStatus.RETRYING
        and job.not_before is not None
        and job.not_before > worker.leases.now()
    )


class Attempt:
    """The attempt of this worker; it is the `Watch` of its own work."""

    def __init__(self, worker: Worker, tenant_id: UUID, job_id: UUID, holder: str) -> None:
        self._worker, self._tenant_id, self._job_id = worker, tenant_id, job_id
        self._holder = holder
        self._number = 0
        self._stage, self._last_tick = "", 0.0
        self._cancel, self._lost, self._over = (threading.Event() for _ in range(3))
        self._stages = ExitStack()

    def run(self) -> None:
        """Claims, works and reports. Each attempt is caused by what made the job due, and what it
        reports by its claim."""
        due = self._last(*_MAKES_DUE)
        request = Request(
            system(self._tenant_id),
            id=due.cause.correlation_id,
            cause=due.reference,
        )
        tracing, after = self._worker.platform.tracing, After(request.id, request.cause)
        with acting(cause_of(request)), tracing.span("attempt", after, worker=self._worker.name):
            job = self._claim()
            if job is not None:
                with because_of(job.reference), self._stages:
                    self._work(job)

    def _last(self, *event_classes: type[Job.Event]) -> Job.Event:
        """The job's newest event of these classes."""
        with acting(cause_of(Request(system(self._tenant_id)))):
            events = self._worker.platform.log.stream(self._job_id)
        return next(
            recorded.event
            for recorded in reversed(events)
            if isinstance(recorded.event, event_classes)
        )

    def _claim(self) -> Job | None:
        claimed: list[int] = []
        try:
            job = self._change(lambda job: claimed.append(job.claim(self._worker.name)))
        except OutdatedAttempt:
            return None
        self._number = claimed[-1]
        if self._number == 0:
            return None
        if job.cancel_requested:
            self._report(self._stopped)
            return None
        return job

    def _work(self, job: Job) -> None:
        beating = threading.Thread(target=self._beat, daemon=True)
        beating.start()
        try:
            with tempfile.TemporaryDirectory(dir=self._worker.platform.scratch) as scratch:
                work = Work(self._worker.platform, job, Path(scratch), self)
                result = self._worker.kinds[job.kind].run(work)
            self._report(lambda job: job.succeed(self._number, result))
        except EngineCancelled:
            self._report(self._stopped)
        except Exception as error:
            failure = _failure_of(error)
            log.warning("job %s: %s: %s", self._job_id, failure.code, failure.message)
            self._report(lambda job: self._fail(job, failure))
        finally:
            self._over.set()
            beating.join()

    def _fail(self, job: Job, failure: Failure) -> None:
        job.fail(self._number, failure, self._worker.leases.now())

    def _stopped(self, job: Job) -> None:
        if job.cancel_requested:
            with because_of(self._last(Job.CancelRequested).reference):
                job.confirm_cancel(self._number)
        else:
            job.interrupt(self._number)

    def _beat(self) -> None:
        """Renews the lease, and looks for a request to cancel."""
        while not self._over.wait(BEAT):
            try:
                if not self._worker.leases.renew(self._tenant_id, self._job_id, self._holder):
                    self._lost.set()
                job = _find(self._worker, self._tenant_id, self._job_id)
                if job is None or job.cancel_requested or job.attempt != self._number:
                    self._cancel.set()
            except Exception:
                log.warning("job %s: no heartbeat", self._job_id, exc_info=True)

    def _report(self, change: Callable[[Job], Any]) -> None:
        if self._lost.is_set():
            log.warning("job %s: lease lost, attempt %s abandoned", self._job_id, self._number)
            return
        try:
            self._change(change)
        except OutdatedAttempt as outdated:
            log.warning("job %s: not reported: %s", self._job_id, outdated)

    def _change(self, change: Callable[[Job], Any]) -> Job:
        def once() -> Job:
            job = self._worker.platform.log.find(Job, self._job_id)
            assert job is not None
            change(job)
            self._worker.platform.log.save(job)
            return job

        return retrying(once)

    def stage_started(self, name: str) -> None:
        self._stage = name
        self._stages.close()
        self._stages.enter_context(self._worker.platform.tracing.span(f"stage {name}"))
        self._report(lambda job: job.start_stage(self._number, name))

    def stage_finished(self, name: str) -> None:
        self._report(lambda job: job.finish_stage(self._number, name))
        self._stages.close()

    def tick(self, percent: float, message: str) -> None:
        now = time.monotonic()
        if now - self._last_tick < TICK_EVERY and percent < 100:
            return
        self._last_tick = now
        tick = Tick(self._job_id, self._tenant_id, self._number, self._stage, percent, message)
        self._worker.leases.report(self._holder, tick)

    def cancelled(self) -> bool:
        flags = (self._cancel, self._lost, self._worker.stopping)
        return any(flag.is_set() for flag in flags)


def _failure_of(error: Exception) -> Failure:
    if is_storage_full(error) or getattr(error, "kind", None) is CrashKind.STORAGE:
        return Failure("INSUFFICIENT_STORAGE", REMEDY, Fault.PLATFORM, True)
    if isinstance(error, EngineRefusal):
        return Failure(error.code, str(error), Fault.REQUEST)
    if isinstance(error, EngineCrashed):
        fault = Fault.REQUEST if error.kind in ("TIMEOUT", "MEMORY") else Fault.PLATFORM
        return Failure(f"ENGINE_{error.kind}", error.detail, fault, error.retryable)
    return Failure("PLATFORM_ERROR", f"{type(error).__name__}: {error}", Fault.PLATFORM, True)
