"""Health as PostgreSQL, Redis and the blob store tell it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping

import redis.asyncio

from application.ports.blobs import BlobReader
from infrastructure.postgres.database import Database

PATIENCE = 3.0
NOBODY = uuid.UUID(int=0)

_FOLLOWERS = """
SELECT name, stopped_position, stopped_topic, stopped_error,
       (SELECT coalesce(max(position), 0) FROM events) - position AS lag
FROM followers ORDER BY name
"""
_OUTBOX = """
SELECT count(*) AS waiting,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0) AS age FROM outbox
"""
_LEASES = "SELECT kind, count(*) AS n FROM job_leases WHERE expires_at > now() GROUP BY kind"

Labels = tuple[tuple[str, str], ...]


class DependencyHealth:
    """Implements `application.ports.health.Health`."""

    def __init__(
        self, database: Database, blobs: BlobReader, redis_url: str | None, views: Collection[str]
    ) -> None:
        self._database, self._blobs, self._redis_url = database, blobs, redis_url
        self._views = views

    async def dependencies(self) -> Mapping[str, str | None]:
        checks: dict[str, Callable[[], Awaitable[str | None]]] = {
            "postgresql": self._postgresql,
            "followers": self._followers,
            "blobs": self._blob_store,
        }
        if self._redis_url:
            checks["redis"] = self._redis
        found = await asyncio.gather(*(_within(check) for check in checks.values()))
        return dict(zip(checks, found, strict=True))

    async def gauges(self) -> Mapping[tuple[str, Labels], float]:
        return await asyncio.to_thread(self._gauges)

    async def _postgresql(self) -> str | None:
        await asyncio.to_thread(self._select_one)
        return None

    def _select_one(self) -> None:
        with self._database.anonymous() as connection:
            connection.execute("SELECT 1")

    async def _followers(self) -> str | None:
        return await asyncio.to_thread(self._stopped)

    def _stopped(self) -> str | None:
        with self._database.system() as connection:
            rows = connection.execute(_FOLLOWERS).fetchall()
        told = [
            f"{row['name']} stopped at {row['stopped_position']} ({row['stopped_topic']}): "
            f"{row['stopped_error']}"
            for row in rows
            if row["stopped_position"] is not None
        ]
        never = sorted(set(self._views) - {row["name"] for row in rows})
        if never:
            told.append(f"no projector has run {', '.join(never)} yet")
        return "; ".join(told) or None

    async def _blob_store(self) -> str | None:
        await asyncio.to_thread(self._blobs.size, NOBODY, "0" * 64)
        return None

    async def _redis(self) -> str | None:
        assert self._redis_url is not None
        client = redis.asyncio.from_url(self._redis_url)
        try:
            await client.ping()
        finally:
            await client.aclose()
        return None

    def _gauges(self) -> dict[tuple[str, Labels], float]:
        gauges: dict[tuple[str, Labels], float] = {}
        with self._database.system() as connection:
            for row in connection.execute(_FOLLOWERS):
                labels = (("follower", str(row["name"])),)
                gauges["edgewise_follower_lag_events", labels] = float(row["lag"])
                stopped = float(row["stopped_position"] is not None)
                gauges["edgewise_follower_stopped", labels] = stopped
            outbox = connection.execute(_OUTBOX).fetchone()
            assert outbox is not None
            gauges["edgewise_outbox_rows", ()] = float(outbox["waiting"])
            gauges["edgewise_outbox_oldest_seconds", ()] = float(outbox["age"])
            for row in connection.execute(_LEASES):
                gauges["edgewise_jobs_running", (("kind", row["kind"]),)] = float(row["n"])
        return gauges


async def _within(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}".strip()[:500]
