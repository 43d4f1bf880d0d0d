"""The share of labelled rows whose class a model tells rightly.

The class is the argmax of the first output of rank 2 that has two or more columns, as classifiers
give scores; without one, the value of the first integer output with one number a row. With `top` k
a row counts as right when its label is among the k best scores.
"""

import numpy as np

from domain.dataset import LABELS
from domain.measure import Measure
from domain.scorer import Classification
from infrastructure.engine.proof.scorers.tally import (
    Array,
    Figures,
    Outputs,
    Unscorable,
    chosen,
    in_rows,
    is_float,
)

SCORES = "scores of two or more classes a row"


class ClassificationTally:
    measure = Measure.ACCURACY

    def __init__(self, settings: Classification) -> None:
        self._settings = settings
        self._output = ""
        self._rows = self._right = 0

    def add(self, _feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        labels = truth[LABELS]
        rows = len(labels)
        if not self._output:
            self._output = self._chosen(outputs, rows)
        value = in_rows(outputs[self._output], rows)
        self._rows += rows
        self._right += int(np.count_nonzero(_right(value, labels, self._settings.top)))

    def _chosen(self, outputs: Outputs, rows: int) -> str:
        def scores(value: Array) -> bool:
            return is_float(value) and value.ndim >= 1 and _is_table(value, rows)

        def number(value: Array) -> bool:
            return value.dtype.kind in "iu" and value.size == rows

        name = self._settings.output
        if name and name in outputs and number(outputs[name]):
            return name
        try:
            return chosen(outputs, name, scores, SCORES)
        except Unscorable:
            if name or self._settings.top > 1:
                raise
        return chosen(outputs, name, number, f"{SCORES}, nor one integer a row")

    def figures(self) -> Figures:
        if not self._rows:
            raise Unscorable("There are no rows to judge.")
        return Figures(self._right / self._rows, self._rows, self._output)


def _is_table(value: Array, rows: int) -> bool:
    if value.shape[0] != rows and rows > 1:
        return False
    table = in_rows(value, rows)
    return table.ndim == 2 and table.shape[1] > 1


def _right(value: Array, labels: Array, top: int) -> Array:
    if value.dtype.kind != "f":
        told: Array = value.reshape(-1) == labels
        return told
    if top == 1:
        best: Array = value.argmax(axis=1) == labels
        return best
    among = np.argsort(-value, axis=1, kind="stable")[:, :top]
    found: Array = (among == labels[:, None]).any(axis=1)
    return found
