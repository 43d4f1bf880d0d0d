"""ROC AUC: how often what is to be found scores higher than what is not.

By ranks, with the mean rank for ties (Mann and Whitney; Fawcett, "An introduction to ROC analysis",
2006): with P rows labelled 1, N labelled 0, and R the sum of the ranks of the P among all rows,
    AUC = (R − P (P + 1) / 2) / (P N)
A row scores by an output, or by the mean squared difference of the model's input and output, as the
anomaly detection of MLPerf Tiny does.
"""

import numpy as np

from domain.dataset import LABELS
from domain.measure import Measure
from domain.scorer import Auc, ScoreBy
from infrastructure.engine.proof.scorers.tally import (
    Array,
    Figures,
    Outputs,
    Unscorable,
    chosen,
    in_rows,
    is_float,
    joined,
)


class AucTally:
    measure = Measure.ROC_AUC

    def __init__(self, settings: Auc) -> None:
        self._settings = settings
        self._output = ""
        self._scores: list[Array] = []
        self._labels: list[Array] = []

    def add(self, feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        labels = truth[LABELS]
        if self._settings.by is ScoreBy.RECONSTRUCTION:
            scores = self._missed(feed, outputs, len(labels))
        else:
            scores = self._told(outputs, len(labels))
        self._scores.append(scores.astype(np.float64))
        self._labels.append(labels)

    def _missed(self, feed: Outputs, outputs: Outputs, rows: int) -> Array:
        if len(feed) != 1:
            raise Unscorable("A reconstruction is compared with the input, and there are several.")
        given = next(iter(feed.values()))

        def suits(value: Array) -> bool:
            return value.dtype.kind in "fiu" and value.size == given.size

        name = chosen(outputs, self._settings.output, suits, "as large as the input", only=True)
        self._output = name
        missed = given.astype(np.float64).reshape(rows, -1)
        missed = missed - outputs[name].astype(np.float64).reshape(rows, -1)
        mean: Array = (missed**2).mean(axis=1)
        return mean

    def _told(self, outputs: Outputs, rows: int) -> Array:
        def suits(value: Array) -> bool:
            return is_float(value) and value.size >= rows

        self._output = chosen(outputs, self._settings.output, suits, "one float or more a row")
        table = in_rows(outputs[self._output], rows).reshape(rows, -1)
        if self._settings.column >= table.shape[1]:
            raise Unscorable(
                f"The output “{self._output}” has {table.shape[1]} numbers a row. Set column to "
                f"0 to {table.shape[1] - 1}."
            )
        column: Array = table[:, self._settings.column]
        return column

    def figures(self) -> Figures:
        scores, labels = joined(self._scores), joined(self._labels)
        sound = np.isfinite(scores)
        scores, labels = scores[sound], labels[sound]
        if not (labels == 1).any() or not (labels == 0).any():
            raise Unscorable("AUC needs rows labelled 0 and rows labelled 1, with finite scores.")
        return Figures(roc_auc(scores, labels == 1), len(scores), self._output)


def roc_auc(scores: Array, positive: Array) -> float:
    """`scores` finite, `positive` bool with both kinds in it."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place]
    found = int(np.count_nonzero(positive))
    rest = len(positive) - found
    return float((ranks[positive].sum() - found * (found + 1) / 2) / (found * rest))
