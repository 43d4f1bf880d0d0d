"""The job's state machine: attempts, retries, cancels, and reports that come too late."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.cause import Cause, acting
from domain.job import MOST_ATTEMPTS, Failure, Fault, Job, JobStatus, OutdatedAttempt
from domain.refusal import Refusal

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TENANT = UUID("11111111-1111-4111-8111-111111111111")
OURS = Failure("PLATFORM_ERROR", "the disk is full", Fault.PLATFORM, retryable=True)
THEIRS = Failure("NOT_A_MODEL", "this is a pickle", Fault.REQUEST)


def job() -> Job:
    return Job.request(uuid4(), "optimize", uuid4(), {}, "")


def test_a_retryable_fault_backs_off_exponentially_and_then_fails() -> None:
    work, delays = job(), []
    for _ in range(MOST_ATTEMPTS):
        attempt = work.claim("w")
        work.fail(attempt, OURS, NOW)
        if work.not_before is not None and work.status is JobStatus.RETRYING:
            delays.append(work.not_before - NOW)
    assert delays == [timedelta(seconds=seconds) for seconds in (2, 4, 8)]
    assert work.status is JobStatus.FAILED


def test_the_users_fault_is_never_retried() -> None:
    work = job()
    work.fail(work.claim("w"), THEIRS, NOW)
    assert work.status is JobStatus.FAILED
    assert work.failure == THEIRS


def test_a_report_of_a_replaced_attempt_is_refused() -> None:
    work = job()
    old = work.claim("first")
    work.claim("second")
    with pytest.raises(OutdatedAttempt):
        work.succeed(old, {})
    work.succeed(2, {"made": 1})
    assert work.result == {"made": 1}


def test_a_job_whose_worker_falls_silent_each_time_fails_through_our_fault() -> None:
    work = job()
    for _ in range(MOST_ATTEMPTS):
        work.claim("w")
    assert work.claim("w") == 0
    assert work.status is JobStatus.FAILED
    assert work.failure is not None
    assert work.failure.fault is Fault.PLATFORM


def test_shutting_down_in_good_order_costs_no_attempt() -> None:
    work = job()
    for _ in range(3 * MOST_ATTEMPTS):
        work.interrupt(work.claim("w"))
    work.succeed(work.claim("w"), {})
    assert work.status is JobStatus.SUCCEEDED


def test_a_queued_job_is_cancelled_at_once_and_never_started() -> None:
    work = job()
    work.request_cancel()
    assert work.status is JobStatus.CANCELLED
    ended = work.pending_events[-1]
    assert isinstance(ended, Job.Cancelled)
    assert not ended.started


def test_a_running_job_is_cancelled_when_its_worker_says_so() -> None:
    work = job()
    attempt = work.claim("w")
    work.request_cancel()
    assert work.status is JobStatus.RUNNING
    work.confirm_cancel(attempt)
    assert work.status is JobStatus.CANCELLED


def test_there_is_nothing_to_cancel_in_a_job_that_has_succeeded() -> None:
    work = job()
    work.succeed(work.claim("w"), {})
    with pytest.raises(Refusal):
        work.request_cancel()


class JobMachine(RuleBasedStateMachine):
    """Any order of workers, reports and cancels, late and double ones included."""

    def __init__(self) -> None:
        super().__init__()
        with acting(Cause(TENANT, "a", "b", "c")):
            self.job = job()
        self.ended_as: JobStatus | None = None

    def _try(self, name: str, *arguments: object) -> None:
        with acting(Cause(TENANT, "a", "b", "c")):
            try:
                getattr(self.job, name)(*arguments)
            except (OutdatedAttempt, Refusal):
                pass

    @rule()
    def claim(self) -> None:
        self._try("claim", "w")

    @rule(attempt=st.integers(0, 6), stage=st.sampled_from(["a", "b"]))
    def stage(self, attempt: int, stage: str) -> None:
        self._try("start_stage", attempt, stage)
        self._try("finish_stage", attempt, stage)

    @rule(attempt=st.integers(0, 6))
    def succeed(self, attempt: int) -> None:
        self._try("succeed", attempt, {"by": attempt})

    @rule(attempt=st.integers(0, 6), failure=st.sampled_from([OURS, THEIRS]))
    def fail(self, attempt: int, failure: Failure) -> None:
        self._try("fail", attempt, failure, NOW)

    @rule(attempt=st.integers(0, 6))
    def interrupt(self, attempt: int) -> None:
        self._try("interrupt", attempt)

    @rule()
    def request_cancel(self) -> None:
        self._try("request_cancel")

    @rule(attempt=st.integers(0, 6))
    def confirm_cancel(self, attempt: int) -> None:
        self._try("confirm_cancel", attempt)

    @invariant()
    def an_end_is_final(self) -> None:
        if self.ended_as is not None:
            assert self.job.status is self.ended_as
        elif self.job.status.ended:
            self.ended_as = self.job.status

    @invariant()
    def there_is_at_most_one_end(self) -> None:
        ends = (Job.Succeeded, Job.Failed, Job.Cancelled)
        assert sum(isinstance(event, ends) for event in self.job.pending_events) <= 1

    @invariant()
    def failed_attempts_are_bounded(self) -> None:
        assert self.job.failed_attempts <= MOST_ATTEMPTS

    @invariant()
    def only_a_success_has_a_result(self) -> None:
        assert (self.job.result is not None) == (self.job.status is JobStatus.SUCCEEDED)


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
