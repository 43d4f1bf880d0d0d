"""Many workers want one job: one has it at a time, whatever their clocks say."""

import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.platform import Platform
from domain.job import Job, JobStatus
from infrastructure.postgres.database import Database
from tests.application.racing_worker import GIVEN_BACK
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DECIDES = (
    "application/jobs/attempt.py",
    "application/views/dispatch.py",
    "infrastructure/postgres/leases.py",
    "infrastructure/postgres/outbox.py",
)
PROCESS_CLOCK = re.compile(r"datetime\.now|time\.time\(|platform\.now|utc_now|event\.timestamp")


def test_of_many_threads_and_processes_with_clocks_days_apart_one_claims_each_attempt(
    platform: Platform, database: Database, tenant: UUID, model: UUID, tmp_path: Path
) -> None:
    job = Job.request(uuid4(), "test", model, {}, "")
    platform.log.save(job)
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.application.racing_worker"),
                *(database.app_url, database.system_url, str(tenant), str(job.id), str(tmp_path)),
                str(hours),
            ],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        for hours in (-48, 0, 48)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        (tmp_path / "go").touch()
        for process in processes:
            assert process.wait(timeout=PATIENCE) == 0
    finally:
        for process in processes:
            process.kill()
    events = [recorded.event for recorded in platform.log.stream(job.id)]
    claimed = [event.attempt for event in events if isinstance(event, Job.Claimed)]
    assert claimed == list(range(1, GIVEN_BACK + 2))
    assert (tmp_path / "done").read_text().split() == [str(attempt) for attempt in claimed]
    ended = platform.log.find(Job, job.id)
    assert ended is not None
    assert ended.status is JobStatus.SUCCEEDED


@pytest.mark.parametrize("module", DECIDES)
def test_who_works_and_when_is_never_decided_by_a_processs_own_clock(module: str) -> None:
    assert PROCESS_CLOCK.findall((ROOT / module).read_text()) == []
