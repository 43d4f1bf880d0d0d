"""How near a variant's outputs are to its source's, summed up row by row in bounded memory.

Sums run in float64: with s the source's and v the variant's values of one output over all rows,
    cosine = Σsv / √(Σs² Σv²)      SQNR = 10·log10(Σs² / Σ(s − v)²) dB      max |s − v|
and argmax agreement over the last axis of outputs of rank 2 and 3 with two or more places. Vectors
of length 1 with numbers below zero are embeddings, no scores of classes: which of their numbers is
the largest means nothing, and they are judged by the cosine.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.parity import OutputParity

CLASSIFIER_RANKS = (2, 3)
UNIT_TOLERANCE = 1e-3


@dataclass(slots=True)
class OutputTally:
    """One output's running sums."""

    name: str
    product: float = 0.0
    source_square: float = 0.0
    variant_square: float = 0.0
    noise: float = 0.0
    largest: float = 0.0
    values: int = 0
    non_finite: int = 0
    agreed: int = 0
    judged: int = 0
    of_length_1: bool = True
    below_zero: bool = False

    def add(self, source: NDArray[Any], variant: NDArray[Any]) -> None:
        """Raises ValueError when the two differ in shape."""
        if source.shape != variant.shape:
            raise ValueError(
                f"output “{self.name}” has shape {list(variant.shape)} in the variant and "
                f"{list(source.shape)} in the source"
            )
        self._agree(source, variant)
        s, v = source.astype(np.float64).ravel(), variant.astype(np.float64).ravel()
        sound = np.isfinite(s) & np.isfinite(v)
        self.values += s.size
        self.non_finite += int(np.count_nonzero(np.isfinite(s) & ~np.isfinite(v)))
        if not sound.all():
            s, v = s[sound], v[sound]
        difference = s - v
        self.product += float(s @ v)
        self.source_square += float(s @ s)
        self.variant_square += float(v @ v)
        self.noise += float(difference @ difference)
        self.largest = max(self.largest, float(np.abs(difference).max(initial=0.0)))

    def _agree(self, source: NDArray[Any], variant: NDArray[Any]) -> None:
        if source.dtype.kind in "iub":
            self.agreed += int(np.count_nonzero(source == variant))
            self.judged += source.size
        elif source.ndim in CLASSIFIER_RANKS and source.shape[-1] > 1:
            lengths = np.linalg.norm(source.astype(np.float64), axis=-1)
            self.of_length_1 &= bool(np.allclose(lengths, 1.0, atol=UNIT_TOLERANCE))
            self.below_zero |= bool((source < 0).any())
            same = source.argmax(axis=-1) == variant.argmax(axis=-1)
            self.agreed += int(np.count_nonzero(same))
            self.judged += same.size

    def parity(self) -> OutputParity:
        return OutputParity(
            name=self.name,
            cosine=self._cosine(),
            sqnr_db=self._sqnr_db(),
            max_abs_error=self.largest,
            argmax_agreement=self._agreement(),
            values=self.values,
            non_finite=self.non_finite,
        )

    def _agreement(self) -> float | None:
        embedding = self.of_length_1 and self.below_zero
        return self.agreed / self.judged if self.judged and not embedding else None

    def _cosine(self) -> float:
        if self.noise == 0.0:
            return 1.0
        length = math.sqrt(self.source_square) * math.sqrt(self.variant_square)
        return min(1.0, max(-1.0, self.product / length)) if length else 0.0

    def _sqnr_db(self) -> float | None:
        """A silent source with noise has no ratio; −400 dB stands for it, JSON has no −∞."""
        if self.noise == 0.0:
            return None
        if self.source_square == 0.0:
            return -400.0
        return 10 * math.log10(self.source_square / self.noise)


def comparable(value: Any) -> bool:
    """Tensors of numbers; not sequences, maps or texts."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
