"""The queue that carries hints: Dramatiq on Redis, or in memory within the worker's own process.

PostgreSQL owns every job; a hint that is lost, doubled or late does no harm. So Dramatiq's own
retries, time limits and results stay off, and a consumer that fell silent is given up after 15 s.
"""

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import CurrentMessage

HEARTBEAT_TIMEOUT_MS = 15_000
MAINTENANCE_CHANCE = 20_000
"""Of 1,000,000: how likely a command to Redis also looks for dead consumers."""


def make_broker(redis_url: str | None) -> dramatiq.Broker:
    """A broker on Redis; without Redis, one in memory."""
    if redis_url is None:
        return StubBroker(middleware=[CurrentMessage()])
    # Importing Redis takes a tenth of the time that a start without it takes.
    from dramatiq.brokers.redis import RedisBroker

    return RedisBroker(  # type: ignore[no-untyped-call]
        url=redis_url,
        middleware=[CurrentMessage()],
        namespace="edgewise",
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
    )
