"""What a worker promises: one result, whoever dies, however often it is asked."""

import dataclasses
import errno
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.commands.command import Request
from application.commands.reservation import spend
from application.jobs.attempt import Worker, work_on
from application.jobs.kind import JobKind, Work
from application.platform import Platform
from application.policies.refunds import refunds
from application.ports.engine import CrashKind, EngineCancelled, EngineCrashed, EngineRefusal
from application.ports.event_log import RecordedEvent
from application.ports.leases import Acquired
from domain.flag import Flag
from domain.job import Job, JobStatus
from domain.plan import QuotaKind
from domain.quota import Quota
from infrastructure.postgres.database import Database
from infrastructure.postgres.leases import PostgresLeases
from tests.patience import PATIENCE

Run = Callable[[Work], dict[str, Any]]


def worker(platform: Platform, database: Database, run: Run, name: str = "w") -> Worker:
    kind = JobKind("test", QuotaKind.OPTIMIZATIONS, Flag.OPTIMIZATION, run)
    return Worker(platform, PostgresLeases(database, {"test": 2}), {"test": kind}, name)


@pytest.fixture
def job(platform: Platform, tenant: UUID, model: UUID) -> UUID:
    """A job that has spent a unit of quota."""
    job_id = uuid4()
    quota = spend(platform, tenant, QuotaKind.OPTIMIZATIONS, job_id, f"{job_id}/1")
    platform.log.save(Job.request(job_id, "test", model, {"quota_id": str(quota.id)}, ""), quota)
    return job_id


def found(platform: Platform, job: UUID) -> Job:
    loaded = platform.log.find(Job, job)
    assert loaded is not None
    return loaded


def topics(platform: Platform, job: UUID) -> list[str]:
    return [recorded.event.TOPIC for recorded in platform.log.stream(job)]


def spent(platform: Platform, job: UUID) -> bool:
    quota = platform.log.find(Quota, UUID(found(platform, job).input["quota_id"]))
    assert quota is not None
    return job in quota.subjects


class LaterLeases(PostgresLeases):
    """As if the database's clock had gone on by some time."""

    def __init__(self, database: Database, most: dict[str, int], later: timedelta) -> None:
        super().__init__(database, most)
        self._later = later

    def now(self) -> datetime:
        return super().now() + self._later


def last(platform: Platform, job: UUID) -> RecordedEvent:
    return platform.log.stream(job)[-1]


def test_a_job_is_done_once_and_told_by_stages(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    def run(work: Work) -> dict[str, Any]:
        work.watch.stage_started("measure")
        work.watch.tick(50, "half")
        work.watch.stage_finished("measure")
        return {"answer": 42}

    for _ in range(3):
        work_on(worker(platform, database, run), tenant, job)
    assert found(platform, job).result == {"answer": 42}
    assert topics(platform, job) == [
        "job.requested",
        "job.claimed",
        "job.stage-started",
        "job.stage-finished",
        "job.succeeded",
    ]


def test_an_attempt_is_caused_by_what_made_it_due_and_its_reports_by_the_attempt(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    work_on(worker(platform, database, lambda _: {}), tenant, job)
    first, *others = platform.log.stream(job)
    assert {each.event.cause.correlation_id for each in others} == {
        first.event.cause.correlation_id
    }
    causes = {each.event.TOPIC: each.event.cause.causation_id for each in others}
    assert causes == {"job.claimed": f"{job}/1", "job.succeeded": f"{job}/2"}


def test_eight_workers_race_for_one_job_and_one_does_it(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    effects: list[str] = []

    def run(work: Work) -> dict[str, Any]:
        effects.append("done")
        return {}

    def race(number: int) -> None:
        work_on(worker(platform, database, run, f"w{number}"), tenant, job)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects == ["done"]
    assert topics(platform, job).count("job.claimed") == 1


def test_a_fault_of_ours_is_tried_again_later_and_returned_in_the_end(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    def run(work: Work) -> dict[str, Any]:
        raise OSError("the cable was pulled")

    ours = worker(platform, database, run)
    work_on(ours, tenant, job)
    assert found(platform, job).status is JobStatus.RETRYING
    work_on(ours, tenant, job)
    assert found(platform, job).attempt == 1, "it is not due yet"
    for hours in range(1, 4):
        leases = LaterLeases(database, {"test": 2}, timedelta(hours=hours))
        work_on(dataclasses.replace(ours, leases=leases), tenant, job)
    assert found(platform, job).status is JobStatus.FAILED
    assert spent(platform, job)
    for _ in range(2):
        refunds.react(platform, last(platform, job))
    assert not spent(platform, job)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        EngineCrashed(CrashKind.STORAGE, "No space left on device", retryable=True),
    ],
)
def test_a_full_disk_is_told_as_such_and_tried_again_and_leaves_no_scratch(
    platform: Platform, database: Database, tenant: UUID, job: UUID, error: Exception
) -> None:
    full = [True]

    def run(work: Work) -> dict[str, Any]:
        (work.scratch / "half a result").write_bytes(b"1")
        if full:
            raise error
        return {}

    ours = worker(platform, database, run)
    work_on(ours, tenant, job)
    waiting = last(platform, job).event
    assert isinstance(waiting, Job.RetryScheduled)
    assert waiting.failure.code == "INSUFFICIENT_STORAGE"
    assert "Free space" in waiting.failure.message
    assert list(platform.scratch.iterdir()) == []
    full.clear()
    leases = LaterLeases(database, {"test": 2}, timedelta(minutes=1))
    work_on(dataclasses.replace(ours, leases=leases), tenant, job)
    assert found(platform, job).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize("kind", [CrashKind.TIMEOUT, CrashKind.MEMORY])
def test_work_that_exceeds_its_limits_fails_at_once_and_is_charged(
    platform: Platform, database: Database, tenant: UUID, job: UUID, kind: CrashKind
) -> None:
    def run(work: Work) -> dict[str, Any]:
        raise EngineCrashed(kind, "over the limit", retryable=False)

    work_on(worker(platform, database, run), tenant, job)
    ended = found(platform, job)
    assert ended.status is JobStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.code == f"ENGINE_{kind}"
    refunds.react(platform, last(platform, job))
    assert spent(platform, job)


def test_what_the_engine_refuses_is_the_users_to_mend(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    def run(work: Work) -> dict[str, Any]:
        raise EngineRefusal("DATASET_MISMATCH", "The arrays do not fit.", "Convert them.")

    work_on(worker(platform, database, run), tenant, job)
    failure = found(platform, job).failure
    assert failure is not None
    assert (failure.code, failure.fault) == ("DATASET_MISMATCH", "REQUEST")
    assert "Convert them." in failure.message


def test_a_cancel_reaches_the_work_and_nothing_more_is_reported(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    def run(work: Work) -> dict[str, Any]:
        asked = found(platform, job)
        asked.request_cancel()
        platform.log.save(asked)
        deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        while not work.watch.cancelled():
            assert datetime.now(UTC) < deadline
        raise EngineCancelled

    work_on(worker(platform, database, run), tenant, job)
    assert found(platform, job).status is JobStatus.CANCELLED
    refunds.react(platform, last(platform, job))
    assert spent(platform, job), "work was done"


def test_a_job_cancelled_in_the_queue_is_not_charged(
    platform: Platform, tenant: UUID, job: UUID
) -> None:
    queued = found(platform, job)
    queued.request_cancel()
    platform.log.save(queued)
    refunds.react(platform, last(platform, job))
    assert not spent(platform, job)


def test_a_worker_that_lost_its_lease_reports_nothing(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    def run(work: Work) -> dict[str, Any]:
        with database.system() as connection:
            connection.execute("UPDATE job_leases SET worker = 'another' WHERE job_id = %s", (job,))
        deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        while not work.watch.cancelled():
            assert datetime.now(UTC) < deadline
        return {"late": True}

    work_on(worker(platform, database, run), tenant, job)
    assert found(platform, job).status is JobStatus.RUNNING
    assert found(platform, job).result is None


def test_a_silent_workers_job_is_taken_over_when_its_lease_has_run_out(
    platform: Platform, database: Database, tenant: UUID, job: UUID
) -> None:
    silent = found(platform, job)
    silent.claim("silent")
    platform.log.save(silent)
    leases = PostgresLeases(database, {"test": 2})
    assert leases.acquire(tenant, job, "test", "silent") is Acquired.OURS
    ours = worker(platform, database, lambda _: {"by": "another"})
    assert work_on(ours, tenant, job) is Acquired.HELD
    with database.system() as connection:
        connection.execute("UPDATE job_leases SET expires_at = now() - interval '1 second'")
    assert work_on(ours, tenant, job) is Acquired.OURS
    assert found(platform, job).result == {"by": "another"}


def test_no_more_jobs_of_a_kind_run_at_once_than_may(
    platform: Platform, database: Database, tenant: UUID, model: UUID
) -> None:
    jobs = [Job.request(uuid4(), "test", model, {}, "") for _ in range(3)]
    platform.log.save(*jobs)
    leases = PostgresLeases(database, {"test": 2})
    asked = [leases.acquire(tenant, job.id, "test", f"w{job.id}") for job in jobs]
    assert asked == [Acquired.OURS, Acquired.OURS, Acquired.FULL]
    leases.release(tenant, jobs[0].id, f"w{jobs[0].id}")
    assert leases.acquire(tenant, jobs[2].id, "test", "w") is Acquired.OURS


def test_a_request_has_an_id_of_its_own_unless_it_brings_a_key(tenant: UUID) -> None:
    from domain.principal import system

    one, other = (Request(system(tenant)) for _ in range(2))
    assert one.new_id("x") != other.new_id("x")
    keyed = [Request(system(tenant), idempotency_key="k") for _ in range(2)]
    assert keyed[0].new_id("x") == keyed[1].new_id("x")
    assert keyed[0].new_id("x") != keyed[0].new_id("y")
