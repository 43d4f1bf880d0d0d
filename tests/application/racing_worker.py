"""A worker process that wants one job: `app_url system_url tenant job folder clock_shift_hours`.

It begins when the file `go` is there, asks with four threads until the job has ended, and leaves a
line in `done` for each attempt it carried out. The first attempts are given back, as by a worker
that shuts down.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from application.jobs.attempt import Worker, work_on
from application.jobs.kind import JobKind, Work
from application.platform import Platform
from application.ports.engine import EngineCancelled
from domain.cause import Cause, acting
from domain.flag import Flag
from domain.job import Job
from domain.plan import QuotaKind
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from infrastructure.postgres.leases import PostgresLeases

THREADS, GIVEN_BACK = 4, 4


def main(app_url: str, system_url: str, tenant: str, job: str, folder: str, shift: str) -> None:
    tenant_id, job_id, root = UUID(tenant), UUID(job), Path(folder)
    database = Database(app_url, system_url)
    database.open()
    log = PostgresEventLog(database)

    def run(work: Work) -> dict[str, Any]:
        with (root / "done").open("a") as done:
            done.write(f"{work.job.attempt}\n")
        time.sleep(0.05)
        if work.job.attempt <= GIVEN_BACK:
            raise EngineCancelled
        return {"by": os.getpid()}

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(hours=float(shift))

    nothing: Any = None
    platform = Platform(
        log, nothing, nothing, nothing, nothing, nothing, nothing, nothing, root, now
    )
    kind = JobKind("test", QuotaKind.OPTIMIZATIONS, Flag.OPTIMIZATION, run)
    leases = PostgresLeases(database, {"test": 2})

    def ask() -> None:
        worker = Worker(platform, leases, {"test": kind}, f"{os.getpid()}")
        while not ended():
            work_on(worker, tenant_id, job_id)

    def ended() -> bool:
        with acting(Cause(tenant_id, "system", "race", "race")):
            found = log.find(Job, job_id)
        return found is None or found.status.ended

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not (root / "go").exists():
        time.sleep(0.002)
    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
