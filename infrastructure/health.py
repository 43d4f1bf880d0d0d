"""Health as PostgreSQL, Redis and the blob store tell it.

Anybody may ask. What went wrong in words may quote a tenant's event or name a host: it goes to the
log, and to the operator through GraphQL.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping

from application.ports.blobs import BlobReader
from application.ports.projections import Standing, Waiting
from infrastructure.following.standing import standing, waiting
from infrastructure.postgres.database import Database

PATIENCE = 3.0
NOBODY = uuid.UUID(int=0)

log = logging.getLogger(__name__)

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
        found = await asyncio.gather(*(_within(*each) for each in checks.items()))
        return dict(zip(checks, found, strict=True))

    async def following(self) -> list[Standing]:
        return await asyncio.to_thread(self._following)

    async def outbox(self) -> list[Waiting]:
        return await asyncio.to_thread(self._outbox)

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
        found = self._following()
        told = [
            f"{each.name} stopped at {each.stopped_position} ({each.stopped_topic})"
            for each in found
            if each.stopped_position is not None
        ]
        never = sorted(set(self._views) - {each.name for each in found})
        if never:
            told.append(f"no projector has run {', '.join(never)} yet")
        return "; ".join(told) or None

    def _following(self) -> list[Standing]:
        with self._database.system() as connection:
            return standing(connection)

    def _outbox(self) -> list[Waiting]:
        with self._database.system() as connection:
            return waiting(connection)

    async def _blob_store(self) -> str | None:
        await asyncio.to_thread(self._blobs.size, NOBODY, "0" * 64)
        return None

    async def _redis(self) -> str | None:
        import redis.asyncio  # not for an installation without Redis: it takes its time

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
            for each in standing(connection):
                labels = (("follower", each.name),)
                gauges["edgewise_follower_position", labels] = float(each.position)
                gauges["edgewise_follower_lag_events", labels] = float(each.lag)
                gauges["edgewise_follower_lag_seconds", labels] = each.lag_seconds
                stopped = float(each.stopped_position is not None)
                gauges["edgewise_follower_stopped", labels] = stopped
            kinds = waiting(connection)
            oldest = max((kind.oldest_seconds for kind in kinds), default=0.0)
            gauges["edgewise_outbox_rows", ()] = float(sum(kind.waiting for kind in kinds))
            gauges["edgewise_outbox_oldest_seconds", ()] = oldest
            for row in connection.execute(_LEASES):
                gauges["edgewise_jobs_running", (("kind", row["kind"]),)] = float(row["n"])
        return gauges


async def _within(name: str, check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:
        log.warning("%s is not there: %s: %s", name, type(error).__name__, error)
        return f"{type(error).__name__}; the log says more"
