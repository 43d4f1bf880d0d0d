"""A histogram of everything that a tensor was seen to hold, in memory that does not grow.

Bins are 2^e wide and begin at whole multiples of 2^e, so that two neighbors merge into one bin of
2^(e+1) without a remainder. When values no longer fit BINS bins, e grows. The counts at the end are
therefore those that the final width would have given from the start, whatever the order of the
rows and however they were grouped.

Zero is counted apart: quantized types hold it exactly, so it costs nothing at any range.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 4096
FINEST = -126
"""No bin is narrower than the smallest normal float32."""


@dataclass(slots=True)
class Histogram:
    """`counts[i]` values lie in [(first + i)·2^e, (first + i + 1)·2^e); `low` and `high` are the
    exact extremes, with zero among them; `broken` is how many were NaN or infinite."""

    exponent: int = FINEST
    first: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    zeros: int = 0
    broken: int = 0
    low: float = 0.0
    high: float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        flat = np.asarray(values, np.float32).ravel()
        finite = flat[np.isfinite(flat)]
        self.broken += flat.size - finite.size
        found = finite[finite != 0]
        self.zeros += finite.size - found.size
        if not found.size:
            return
        self.low = min(self.low, float(found.min()))
        self.high = max(self.high, float(found.max()))
        self._make_room()
        places = np.floor(np.ldexp(found.astype(np.float64), -self.exponent)).astype(np.int64)
        self.counts += np.bincount(places - self.first, minlength=self.counts.size)

    @property
    def total(self) -> int:
        """Finite values seen, zeros among them."""
        return int(self.counts.sum()) + self.zeros

    @property
    def edges(self) -> NDArray[np.float64]:
        """Where the bins begin, and where the last one ends."""
        return np.ldexp(
            (self.first + np.arange(self.counts.size + 1)).astype(np.float64), self.exponent
        )

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of each bin."""
        edges = self.edges
        return (edges[:-1] + edges[1:]) / 2

    def _make_room(self) -> None:
        exponent = max(self.exponent, _exponent(self.low, self.high))
        first, last = _place(self.low, exponent), _place(self.high, exponent)
        wider = np.zeros(last - first + 1, np.int64)
        places = (self.first + np.arange(self.counts.size)) >> (exponent - self.exponent)
        np.add.at(wider, places - first, self.counts)
        self.exponent, self.first, self.counts = exponent, first, wider


def _place(value: float, exponent: int) -> int:
    return math.floor(math.ldexp(value, -exponent))


def _exponent(low: float, high: float) -> int:
    """The finest bins with which both ends are in BINS bins."""
    exponent = max(FINEST, math.frexp((high - low) / BINS)[1] - 1)
    while _place(high, exponent) - _place(low, exponent) >= BINS:
        exponent += 1
    return exponent
