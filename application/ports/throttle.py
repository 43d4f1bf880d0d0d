"""How often something may be tried, by whom, over all processes of an installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` tries at once, and one more after each `every`."""

    burst: int
    every: timedelta

    @property
    def slack(self) -> timedelta:
        """How far ahead of time a key may have spent."""
        return self.every * self.burst


class Throttle(Protocol):
    """Generic cell rate: a key holds the time at which all its tries will have been paid for."""

    def take(self, rates: Mapping[str, Rate], now: datetime) -> timedelta | None:
        """Takes one try of every key, or of none: then how long to wait."""
        ...

    def forget(self, key: str) -> None:
        """All tries of a key are forgiven."""
        ...
