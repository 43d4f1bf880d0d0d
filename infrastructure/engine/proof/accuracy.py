"""The share of labelled rows whose class a model tells rightly.

The class is the argmax of the first output of rank 2 that has two or more columns, as classifiers
give scores; without one, the value of the first integer output with one number a row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.parity import Accuracy

NO_CLASS = (
    "The labels were not used: no output tells a class, neither scores in two or more columns nor "
    "one integer a row."
)


class AccuracyTally:
    """Counts right answers of source and variant over rows that come in the labels' order."""

    def __init__(self, labels: NDArray[Any], names: list[str]) -> None:
        self._labels, self._names = labels, names
        self._row, self._right = 0, [0, 0]
        self._place: int | None = None

    def add(self, source: Sequence[Any], variant: Sequence[Any]) -> None:
        """The outputs of one batch."""
        if self._place is None:
            self._place = _class_output(source)
        if self._place is None:
            return
        for side, outputs in enumerate((source, variant)):
            told = _classes(outputs[self._place])
            wanted = self._labels[self._row : self._row + told.size]
            self._right[side] += int(np.count_nonzero(told[: wanted.size] == wanted))
        self._row += told.size

    def accuracy(self) -> Accuracy | None:
        """None when no output tells a class."""
        rows = min(self._row, len(self._labels))
        if self._place is None or rows == 0:
            return None
        source, variant = (right / rows for right in self._right)
        return Accuracy(source, variant, rows, self._names[self._place])


def _class_output(outputs: Sequence[Any]) -> int | None:
    tensors = [
        (place, value) for place, value in enumerate(outputs) if isinstance(value, np.ndarray)
    ]
    for place, value in tensors:
        if value.ndim == 2 and value.shape[1] > 1 and value.dtype.kind == "f":
            return place
    for place, value in tensors:
        if value.dtype.kind in "iu" and value.size == value.shape[0] if value.ndim else False:
            return place
    return None


def _classes(scores: NDArray[Any]) -> NDArray[Any]:
    if scores.dtype.kind == "f":
        found: NDArray[Any] = scores.argmax(axis=1)
        return found
    return scores.reshape(-1)
