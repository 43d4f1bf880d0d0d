"""What a variant's loss is told by, and how each measure reads.

A share lies between 0 and 1 and is written in percent. What was lost is the plain difference, or,
where a measure has the unit of the data, the difference as a share of the source's own figure.
"""

from enum import StrEnum


class Measure(StrEnum):
    """The first is of labelled rows by class; ARGMAX_AGREEMENT and COSINE need no labels; the rest
    are what the scorers of `domain.scorer` tell, CUSTOM by a user's own."""

    ACCURACY = "ACCURACY"
    ARGMAX_AGREEMENT = "ARGMAX_AGREEMENT"
    COSINE = "COSINE"
    R2 = "R2"
    RMSE = "RMSE"
    MAE = "MAE"
    ROC_AUC = "ROC_AUC"
    MAP = "MAP"
    MAP50 = "MAP50"
    CER = "CER"
    WER = "WER"
    EXACT_MATCH = "EXACT_MATCH"
    CUSTOM = "CUSTOM"

    @property
    def higher_is_better(self) -> bool:
        """Of CUSTOM it is the scorer that says so."""
        return self not in _ERRORS

    @property
    def relative(self) -> bool:
        """Whether a loss is told as a share of the source's figure."""
        return self in (Measure.RMSE, Measure.MAE)

    @property
    def word(self) -> str:
        return _WORDS[self]

    def said(self, value: float) -> str:
        """`97.20%` for a share, else four or more digits."""
        return f"{value:.2%}" if self in _IN_PERCENT else f"{value:.4g}"


_ERRORS = frozenset({Measure.RMSE, Measure.MAE, Measure.CER, Measure.WER})
_IN_PERCENT = frozenset(
    {
        Measure.ACCURACY,
        Measure.ARGMAX_AGREEMENT,
        Measure.MAP,
        Measure.MAP50,
        Measure.CER,
        Measure.WER,
        Measure.EXACT_MATCH,
    }
)
_WORDS = {
    Measure.ACCURACY: "Accuracy",
    Measure.ARGMAX_AGREEMENT: "Agreement of the top class",
    Measure.COSINE: "Cosine",
    Measure.R2: "R²",
    Measure.RMSE: "Root mean square error",
    Measure.MAE: "Mean absolute error",
    Measure.ROC_AUC: "ROC AUC",
    Measure.MAP: "mAP@[.5:.95]",
    Measure.MAP50: "mAP@.5",
    Measure.CER: "Character error rate",
    Measure.WER: "Word error rate",
    Measure.EXACT_MATCH: "Exact match",
    Measure.CUSTOM: "The own scorer's figure",
}
