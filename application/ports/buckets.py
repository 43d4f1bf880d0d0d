"""Token buckets: how much may be spent at once, and how fast it comes back.

A bucket is full when it is first looked at, holds `size` at most and is refilled steadily. Whoever
takes from it is told at once: nobody waits here.
"""

import math
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Filling:
    """The size of a bucket, and how much comes back a second."""

    size: int
    refill: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the bucket had enough, and what is in it now. What was refused was not taken."""

    granted: bool
    remaining: float


class Buckets(Protocol):
    """Buckets by key. One that nobody takes from may be forgotten once it is full again."""

    async def take(self, key: str, amount: int, filling: Filling) -> Taken:
        """Takes all of `amount` or nothing. A bucket whose filling has changed keeps what it has,
        as far as the new size allows."""
        ...


def seconds_until(amount: float, remaining: float, filling: Filling) -> int:
    """How long to wait, in whole seconds, until so much is there; 0 when it is."""
    return max(0, math.ceil((amount - remaining) / filling.refill))
