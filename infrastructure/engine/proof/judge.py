"""Source and variant judged by labels: each side has a tally of its own, fed with the same rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from application.ports.engine import EngineRefusal
from domain.dataset import LABELS
from domain.parity import Accuracy
from domain.scorer import (
    Auc,
    Classification,
    Detection,
    Regression,
    Scorer,
    Text,
)
from infrastructure.engine.proof.scorers.auc import AucTally
from infrastructure.engine.proof.scorers.classification import ClassificationTally
from infrastructure.engine.proof.scorers.detection import DetectionTally
from infrastructure.engine.proof.scorers.regression import RegressionTally
from infrastructure.engine.proof.scorers.tally import Figures, Outputs, Tally, Unscorable
from infrastructure.engine.proof.scorers.text import TextTally

NAME_ANOTHER = "Set the scorer for this model's outputs, or name another one."
NO_CLASSES = (
    "they are no classes, one integer a row. Name a scorer that reads them: REGRESSION, AUC, "
    "DETECTION, TEXT, or your own"
)
_TALLIES: Mapping[type, Callable[[Any], Tally]] = {
    Classification: ClassificationTally,
    Regression: RegressionTally,
    Auc: AucTally,
    Detection: DetectionTally,
    Text: TextTally,
}


class Judge:
    """`ignored` says why labels that were there were not used. A scorer that was named and cannot
    judge raises EngineRefusal; the rule that stands where none was named gives up instead."""

    def __init__(self, scorer: Scorer | None) -> None:
        self._named = scorer
        settings = scorer.typed if scorer is not None else Classification()
        tally = _TALLIES.get(type(settings))
        self._sides: tuple[Tally, ...] = (tally(settings), tally(settings)) if tally else ()
        self._fed = False
        self.ignored = ""

    def add(self, feed: Outputs, both: Sequence[Outputs], truth: Outputs) -> None:
        """The outputs of the source and those of the variant for one batch."""
        if self._named is None and not self._are_classes(truth):
            return
        if not self._sides or self.ignored:
            return
        self._fed = True
        try:
            for side, outputs in zip(self._sides, both, strict=True):
                side.add(feed, outputs, truth)
        except (Unscorable, KeyError) as error:
            self._give_up(error)

    def _are_classes(self, truth: Outputs) -> bool:
        labels = truth.get(LABELS)
        if labels is None:
            return False
        right = labels.ndim == 1 and labels.dtype.kind in "iu"
        if not right:
            self.ignored = f"The labels were not used: {NO_CLASSES}."
        return right

    def _give_up(self, error: Exception) -> None:
        told = str(error)
        if isinstance(error, KeyError):
            told = f"The evaluation data has no array {error}."
        if self._named is not None:
            raise EngineRefusal("SCORER_MISFIT", told, NAME_ANOTHER, "scorer") from error
        self.ignored = f"The labels were not used: {told}"

    def accuracy(self) -> Accuracy | None:
        """None where nothing was judged."""
        if not self._fed or self.ignored:
            return None
        try:
            source, variant = (side.figures() for side in self._sides)
        except Unscorable as error:
            self._give_up(error)
            return None
        return _accuracy(self._sides[0], source, variant)


def _accuracy(tally: Tally, source: Figures, variant: Figures) -> Accuracy:
    measure = tally.measure
    also = {
        other.value: (value, variant.also[other])
        for other, value in source.also.items()
        if other in variant.also
    }
    return Accuracy(
        source=source.value,
        variant=variant.value,
        rows=source.rows,
        output=source.output,
        measure=measure,
        higher_is_better=measure.higher_is_better,
        relative=measure.relative,
        also=also,
    )
