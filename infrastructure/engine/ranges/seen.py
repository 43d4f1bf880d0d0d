"""What all tensors of a model were seen to hold: one histogram each, filled in larger portions."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infrastructure.engine.ranges.histogram import Histogram

PORTION = 1 << 16
"""Small tensors wait until there are this many values: a histogram's cost is mostly per call."""


class Seen:
    """By the names of the tensors."""

    def __init__(self, names: Iterable[str]) -> None:
        self._histograms = {name: Histogram() for name in names}
        self._waiting: dict[str, list[NDArray[Any]]] = {name: [] for name in self._histograms}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Takes a copy where the values have to wait."""
        waiting = self._waiting[name]
        waiting.append(np.array(values, np.float32).ravel())
        if sum(one.size for one in waiting) >= PORTION:
            self._fill(name)

    def histograms(self) -> dict[str, Histogram]:
        for name in self._histograms:
            self._fill(name)
        return self._histograms

    def _fill(self, name: str) -> None:
        waiting = self._waiting[name]
        if waiting:
            self._histograms[name].add(np.concatenate(waiting))
            waiting.clear()
