"""Detection: mean average precision against `boxes` [rows, most, 4] and `classes` [rows, most]."""

import numpy as np

from domain.measure import Measure
from domain.scorer import Detection, DetectionMeasure
from infrastructure.engine.proof.scorers.boxes import BoxReader
from infrastructure.engine.proof.scorers.coco import Boxes, mean_average_precision
from infrastructure.engine.proof.scorers.tally import Figures, Outputs, Unscorable


class DetectionTally:
    """Keeps boxes, never outputs."""

    def __init__(self, settings: Detection) -> None:
        self._settings, self._reader = settings, BoxReader(settings)
        self._truth: list[Boxes] = []
        self._found: list[Boxes] = []

    @property
    def measure(self) -> Measure:
        return Measure(self._settings.measure.value)

    def add(self, _feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        corners, classes = truth["boxes"], truth["classes"]
        self._found += self._reader.rows(outputs, len(classes))
        for box, number in zip(corners, classes, strict=True):
            there = number >= 0
            mine = number[there].astype(np.int64)
            self._truth.append(Boxes(box[there].astype(np.float64), mine, np.zeros(len(mine))))

    def figures(self) -> Figures:
        try:
            both, half = mean_average_precision(self._truth, self._found)
        except ValueError as error:
            raise Unscorable(f"Nothing can be judged: {error}.") from error
        rows, output = len(self._truth), self._reader.output
        if self._settings.measure is DetectionMeasure.MAP50:
            return Figures(half, rows, output, {Measure.MAP: both})
        return Figures(both, rows, output, {Measure.MAP50: half})
