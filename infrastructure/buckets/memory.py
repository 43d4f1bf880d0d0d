"""Buckets in this process's memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from application.ports.buckets import Filling, Taken

MOST = 10_000


class MemoryBuckets:
    """Implements `application.ports.buckets.Buckets`.

    The `most` buckets that were used last are kept; one that is forgotten begins full again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, key: str, amount: int, filling: Filling) -> Taken:
        now = self._clock()
        level, since = self._held.pop(key, (filling.size, now))
        level = min(filling.size, level + max(0.0, now - since) * filling.refill)
        granted = amount <= level
        if granted:
            level -= amount
        self._held[key] = (level, now)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return Taken(granted, level)
