"""How near numbers come: R², root mean square error, mean absolute error.

With y the labels and p what the model tells, for each of the numbers a row has,
    R² = 1 − Σ(y − p)² / Σ(y − ȳ)²      RMSE = √(Σ(y − p)² / n)      MAE = Σ|y − p| / n
R² is averaged over the numbers that vary (scikit-learn's r2_score, `uniform_average`). It is what
is judged by unless told otherwise: it has no unit, so that a drop of .01 is one point of the
explained variance whatever is measured, as a drop of .01 in accuracy is one point of the rows.
"""

import numpy as np

from domain.dataset import LABELS
from domain.measure import Measure
from domain.scorer import Regression
from infrastructure.engine.proof.scorers.tally import (
    Array,
    Figures,
    Outputs,
    Unscorable,
    chosen,
    in_rows,
    is_float,
)


class RegressionTally:
    """Sums by column in float64; squares are taken from the first row's labels, so that large
    numbers that differ little keep their digits."""

    def __init__(self, settings: Regression) -> None:
        self._settings = settings
        self._output = ""
        self._rows = 0
        self._first: Array | None = None
        self._moved = self._moved_square = self._square = self._absolute = np.zeros(0)

    @property
    def measure(self) -> Measure:
        return Measure(self._settings.measure.value)

    def add(self, _feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        rows = len(truth[LABELS])
        wanted = truth[LABELS].reshape(rows, -1).astype(np.float64)
        if self._first is None:
            self._output = self._chosen(outputs, wanted.size)
            self._first = wanted[0]
            self._moved, self._moved_square = np.zeros_like(self._first), np.zeros_like(self._first)
            self._square, self._absolute = np.zeros_like(self._first), np.zeros_like(self._first)
        told = in_rows(outputs[self._output], rows).reshape(rows, -1).astype(np.float64)
        sound = np.isfinite(told).all(axis=1)
        wanted, told = wanted[sound], told[sound]
        self._rows += len(wanted)
        moved, missed = wanted - self._first, wanted - told
        self._moved = self._moved + moved.sum(axis=0)
        self._moved_square = self._moved_square + (moved**2).sum(axis=0)
        self._square = self._square + (missed**2).sum(axis=0)
        self._absolute = self._absolute + np.abs(missed).sum(axis=0)

    def _chosen(self, outputs: Outputs, numbers: int) -> str:
        def suits(value: Array) -> bool:
            return is_float(value) and value.size == numbers

        what = f"floats, {numbers:,} for the labels of a batch"
        return chosen(outputs, self._settings.output, suits, what, only=True)

    def figures(self) -> Figures:
        if not self._rows:
            raise Unscorable("There are no rows with finite predictions to judge.")
        square, absolute = float(self._square.mean()), float(self._absolute.mean())
        told = {
            Measure.RMSE: (square / self._rows) ** 0.5,
            Measure.MAE: absolute / self._rows,
        }
        r2 = self._r2()
        if r2 is not None:
            told[Measure.R2] = r2
        if self.measure not in told:
            raise Unscorable(
                "The labels are the same in every row, so R² means nothing. Set the measure to "
                "RMSE or MAE."
            )
        value = told.pop(self.measure)
        return Figures(value, self._rows, self._output, told)

    def _r2(self) -> float | None:
        spread = self._moved_square - self._moved**2 / self._rows
        varies = spread > 1e-12 * np.maximum(self._moved_square, 1e-300)
        if not varies.any():
            return None
        return float((1 - self._square[varies] / spread[varies]).mean())
