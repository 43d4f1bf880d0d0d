"""Leases on jobs in PostgreSQL, by its clock; ticks go out by NOTIFY and stay as the last one."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import orjson
from prometheus_client import Counter

from application.ports.leases import LEASE_TIME, Acquired, Tick
from infrastructure.postgres.database import Database

EXPIRED = Counter(
    "edgewise_lease_takeovers", "Leases that had expired and were taken over here", ["kind"]
)
TICKS_CHANNEL = "edgewise_ticks"

_CAPACITY_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('job_leases:' || %s, 0))"
_RUNNING = """
SELECT count(*) AS running FROM job_leases
WHERE kind = %s AND expires_at > clock_timestamp() AND job_id <> %s
"""
_ACQUIRE = """
INSERT INTO job_leases (job_id, tenant_id, kind, worker, expires_at)
VALUES (%(job)s, %(tenant)s, %(kind)s, %(worker)s, clock_timestamp() + %(time)s)
ON CONFLICT (job_id) DO UPDATE
    SET worker = excluded.worker, expires_at = excluded.expires_at, tick = NULL
    WHERE job_leases.expires_at <= clock_timestamp()
RETURNING xmax <> 0 AS taken_over
"""
_RENEW = """
UPDATE job_leases SET expires_at = clock_timestamp() + %s
WHERE job_id = %s AND worker = %s RETURNING job_id
"""
_TICK = "UPDATE job_leases SET tick = %s WHERE job_id = %s AND worker = %s RETURNING job_id"
_RELEASE = "DELETE FROM job_leases WHERE job_id = %s AND worker = %s"


class PostgresLeases:
    """Implements `application.ports.leases.Leases`. `most` says how many jobs of a kind may run
    at once across all workers."""

    def __init__(self, database: Database, most: Mapping[str, int]) -> None:
        self._database, self._most = database, most
        for kind in most:
            EXPIRED.labels(kind)  # told as 0 from the start

    def now(self) -> datetime:
        with self._database.system() as connection:
            row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
        assert row is not None
        now: datetime = row["now"]
        return now

    def acquire(self, tenant_id: UUID, job_id: UUID, kind: str, worker: str) -> Acquired:
        values = {
            "job": job_id,
            "tenant": tenant_id,
            "kind": kind,
            "worker": worker,
            "time": LEASE_TIME,
        }
        with self._database.system() as connection:
            connection.execute(_CAPACITY_LOCK, (kind,))
            running = connection.execute(_RUNNING, (kind, job_id)).fetchone()
            assert running is not None
            if running["running"] >= self._most.get(kind, 1):
                return Acquired.FULL
            ours = connection.execute(_ACQUIRE, values).fetchone()
        if ours is None:
            return Acquired.HELD
        if ours["taken_over"]:
            EXPIRED.labels(kind).inc()
        return Acquired.OURS

    def renew(self, tenant_id: UUID, job_id: UUID, worker: str) -> bool:
        with self._database.system() as connection:
            renewed = connection.execute(_RENEW, (LEASE_TIME, job_id, worker)).fetchone()
        return renewed is not None

    def report(self, worker: str, tick: Tick) -> None:
        text = orjson.dumps(asdict(tick)).decode()
        with self._database.system() as connection:
            if connection.execute(_TICK, (text, tick.job_id, worker)).fetchone() is not None:
                connection.execute("SELECT pg_notify(%s, %s)", (TICKS_CHANNEL, text))

    def release(self, tenant_id: UUID, job_id: UUID, worker: str) -> None:
        with self._database.system() as connection:
            connection.execute(_RELEASE, (job_id, worker))
