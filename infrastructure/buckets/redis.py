"""Buckets in Redis, shared by all processes of an installation.

Taking is one script, so two processes never spend the same points; the time is Redis' own. While
Redis is away each process goes on with buckets of its own: a limit that is too generous for a while
does less harm than an API that stops. That is logged once, and Redis is tried again every 5 s.
"""

import asyncio
import time

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from application.ports.buckets import Buckets, Filling, Taken
from infrastructure.buckets.memory import MemoryBuckets

PREFIX = "edgewise:bucket:"
PATIENCE = 0.5
TRY_AGAIN = 5.0

# KEYS: the bucket. ARGV: amount, size, refill a second. The level is kept as text: Lua's numbers
# would be cut to whole ones on their way out.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local amount, size, refill = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'level', 'since')
local level = tonumber(held[1]) or size
local since = tonumber(held[2]) or now
level = math.min(size, level + math.max(0, now - since) * refill)
local granted = 0
if amount <= level then
  granted = 1
  level = level - amount
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level),
           'since', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil((size - level) / refill) + 1)
return {granted, string.format('%.6f', level)}
"""

log = structlog.get_logger("buckets")


class RedisBuckets:
    """Implements `application.ports.buckets.Buckets`. Belongs to one event loop."""

    def __init__(self, url: str, instead: Buckets | None = None) -> None:
        self._url, self._instead = url, instead or MemoryBuckets()
        self._client: redis.asyncio.Redis | None = None
        self._away_until: float | None = None

    async def take(self, key: str, amount: int, filling: Filling) -> Taken:
        if self._away_until is None or time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(PATIENCE):
                    taken = await self._take(key, amount, filling)
            except (RedisError, OSError, TimeoutError) as error:
                self._left(error)
            else:
                self._returned()
                return taken
        return await self._instead.take(key, amount, filling)

    async def _take(self, key: str, amount: int, filling: Filling) -> Taken:
        if self._client is None:
            self._client = redis.asyncio.Redis.from_url(self._url)
        arguments = (str(amount), str(filling.size), str(filling.refill))
        granted, level = await self._client.eval(_TAKE, 1, PREFIX + key, *arguments)
        return Taken(bool(granted), float(level))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _left(self, error: Exception) -> None:
        if self._away_until is None:
            reason = str(error) or type(error).__name__
            log.warning("Redis is away: each process limits by itself until it is back", why=reason)
        self._away_until = time.monotonic() + TRY_AGAIN

    def _returned(self) -> None:
        if self._away_until is not None:
            log.info("Redis is back: limits are shared again")
            self._away_until = None
