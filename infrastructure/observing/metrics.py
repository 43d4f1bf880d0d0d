"""Metrics that are looked up when they are asked for: the pools of this process, and what the
database knows of the whole installation.
"""

import logging
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from application.jobs.registry import KINDS
from application.ports.workers import SILENT_AFTER
from domain.job import JobStatus
from infrastructure.postgres.database import Database

_JOBS = "SELECT kind, status, count(*) AS n FROM jobs GROUP BY kind, status"
_WORKERS = """
SELECT count(*) FILTER (WHERE seen_at >= clock_timestamp() - %(time)s) AS running,
       count(*) FILTER (WHERE seen_at < clock_timestamp() - %(time)s) AS silent FROM workers
"""
_ABANDONED = "SELECT count(*) AS n FROM job_leases WHERE expires_at <= clock_timestamp()"
_HEAD = "SELECT coalesce(max(position), 0) AS n FROM events"

log = logging.getLogger(__name__)


class _Lookup(Collector):
    """Registering it looks nothing up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[GaugeMetricFamily]:
        return []


class PoolMetrics(_Lookup):
    """The connection pools of this process."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        size = GaugeMetricFamily("edgewise_pool_connections", "Connections", labels=["pool"])
        most = GaugeMetricFamily("edgewise_pool_most", "The most it may have", labels=["pool"])
        idle = GaugeMetricFamily("edgewise_pool_idle", "Connections not in use", labels=["pool"])
        waiting = GaugeMetricFamily("edgewise_pool_waiting", "Who waits for one", labels=["pool"])
        for pool, stats in self._database.pool_stats().items():
            size.add_metric([pool], stats.get("pool_size", 0))
            most.add_metric([pool], stats.get("pool_max", 0))
            idle.add_metric([pool], stats.get("pool_available", 0))
            waiting.add_metric([pool], stats.get("requests_waiting", 0))
        yield from (size, most, idle, waiting)


class InstallationMetrics(_Lookup):
    """Of the whole installation: each API exports the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("edgewise_jobs", "Jobs there are", labels=["kind", "status"])
        workers = GaugeMetricFamily("edgewise_workers", "Workers announced", labels=["state"])
        # A figure that is told from the first moment, as 0, can be compared with a later one.
        counted = {(kind, status.value): 0 for kind in KINDS for status in JobStatus}
        try:
            with self._database.system() as connection:
                for row in connection.execute(_JOBS):
                    counted[row["kind"], row["status"]] = row["n"]
                seen = connection.execute(_WORKERS, {"time": SILENT_AFTER}).fetchone()
                abandoned = connection.execute(_ABANDONED).fetchone()
                head = connection.execute(_HEAD).fetchone()
        except (OperationalError, PoolTimeout) as error:
            log.warning("no metrics of the installation: %s", error)
            return
        assert seen is not None
        assert abandoned is not None
        assert head is not None
        for labels, count in counted.items():
            jobs.add_metric(labels, count)
        for state in ("running", "silent"):
            workers.add_metric([state], seen[state])
        yield from (jobs, workers)
        yield GaugeMetricFamily(
            "edgewise_leases_expired", "Leases whose worker fell silent", value=abandoned["n"]
        )
        yield GaugeMetricFamily(
            "edgewise_log_position", "The position of the newest event", value=head["n"]
        )
