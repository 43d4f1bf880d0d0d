"""How near a variant's outputs are to its source's on the same inputs."""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.evidence import Evidence
from domain.measure import Measure


class InputsUsed(StrEnum):
    """What both were fed: rows of a dataset, or seeded random numbers, which say less."""

    DATASET = "DATASET"
    SYNTHETIC = "SYNTHETIC"


@dataclass(frozen=True, slots=True)
class OutputParity:
    """One output over all rows, variant against source.

    - `cosine`: ⟨s, v⟩ / (‖s‖ ‖v‖) over all values; 1.0 when both are all zero.
    - `sqnr_db`: 10·log10(Σ s² / Σ (s − v)²) in decibels; None when there is no noise at all.
    - `max_abs_error`: the largest |s − v|.
    - `argmax_agreement`: the share of rows (0 to 1) whose largest value is at the same place;
      for integer outputs the share of equal values; None where neither has a meaning.
    - `non_finite`: how many values are NaN or infinite in the variant alone; they are left out
      of the other figures.
    """

    name: str
    cosine: float
    sqnr_db: float | None
    max_abs_error: float
    argmax_agreement: float | None
    values: int
    non_finite: int = 0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well source and variant do the task on `rows` labelled rows, by `measure` (by default
    the share of rows whose class was told), read from `output`.

    `also` has further figures by name, of source and variant. What was lost is the difference, or,
    where `relative`, the difference as a share of the source's figure.
    """

    source: float
    variant: float
    rows: int
    output: str
    measure: Measure = Measure.ACCURACY
    higher_is_better: bool = True
    relative: bool = False
    also: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def drop(self) -> float:
        """How much worse the variant is; below zero when it is better. Against a source's figure of
        zero any relative loss is a whole one."""
        lost = self.source - self.variant if self.higher_is_better else self.variant - self.source
        if not self.relative:
            return lost
        if self.source == 0.0:
            return float(lost > 0)
        return lost / abs(self.source)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Median time of one run in ms, both in one process in turns; `ratio` is the median of the
    pairs' variant / source, below 1 when the variant is faster, and lies between `ratio_low` and
    `ratio_high` with 95 % confidence (order statistics). A quick look, not a benchmark. EMULATED
    where this machine lacks the arithmetic that the variant is for."""

    source_ms: float
    variant_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    pairs: int
    threads: int
    batch: int
    evidence: Evidence = Evidence.MEASURED

    @property
    def known_ratio(self) -> float:
        """The ratio, or 1.0 while its bounds do not tell it from 1, or where it is emulated:
        noise decides nothing, and neither does a time that no device will show."""
        if self.evidence is not Evidence.MEASURED or self.ratio_low <= 1.0 <= self.ratio_high:
            return 1.0
        return self.ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against its source. `accuracy` only where labels were given and can be judged by,
    else `labels_ignored` says why not; `unscored` is why the user's own scorer gave no figure for
    the variant; `described` says what random inputs were like."""

    inputs: InputsUsed
    rows: int
    outputs: tuple[OutputParity, ...]
    accuracy: Accuracy | None
    timing: SideBySide
    described: str = ""
    labels_ignored: str = ""
    unscored: str = ""
