"""What an optimization is asked to do: which passes, how they are set, and what may be lost.

A spec is checked where it is made: a value that cannot be is a ValueError that begins with the
field as the API spells it, then the rule and the remedy.
"""

from dataclasses import dataclass, field
from enum import StrEnum

MOST_CALIBRATION_SAMPLES = 100_000
MOST_THREADS = 256


class Pass(StrEnum):
    """What can be done to a model; each makes one variant from the source."""

    GRAPH = "GRAPH"
    FP16 = "FP16"
    DYNAMIC_INT8 = "DYNAMIC_INT8"
    STATIC_INT8 = "STATIC_INT8"


class Level(StrEnum):
    """What the recommendation goes by."""

    SPEED = "SPEED"
    BALANCED = "BALANCED"
    SIZE = "SIZE"


class CalibrationMethod(StrEnum):
    """How the range of a tensor is told from calibration data: all of it, the range that loses
    least information, or a share of the values."""

    MINMAX = "MINMAX"
    ENTROPY = "ENTROPY"
    PERCENTILE = "PERCENTILE"


@dataclass(frozen=True, slots=True)
class Calibration:
    """`samples` is the most rows that are read; `percentile` counts for PERCENTILE alone."""

    method: CalibrationMethod = CalibrationMethod.MINMAX
    samples: int = 512
    percentile: float = 99.99

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MOST_CALIBRATION_SAMPLES:
            raise ValueError(
                f"calibration.samples: give 1 to {MOST_CALIBRATION_SAMPLES:,} rows, "
                f"not {self.samples:,}."
            )
        if not 50 < self.percentile <= 100:
            raise ValueError(
                f"calibration.percentile: give a number above 50 and up to 100, such as 99.99, "
                f"not {self.percentile}."
            )


@dataclass(frozen=True, slots=True)
class OptimizationSpec:
    """`max_drop` is the share (0 to 1) that a variant may lose; see `domain.verdict`.

    `per_channel` gives each output channel of a weight its own scale, `reduce_range` keeps weights
    to 7 bits for x86 CPUs without VNNI; both are of the INT8 passes. `threads` None means
    min(2, cores).
    """

    passes: tuple[Pass, ...] = (Pass.GRAPH, Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8)
    level: Level = Level.BALANCED
    max_drop: float = 0.01
    calibration: Calibration = field(default_factory=Calibration)
    per_channel: bool = True
    reduce_range: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.passes:
            known = ", ".join(Pass)
            raise ValueError(f"passes: name at least one of {known}.")
        if len(set(self.passes)) != len(self.passes):
            raise ValueError("passes: name each pass once.")
        if not 0 <= self.max_drop <= 1:
            raise ValueError(
                f"maxDrop: give a share from 0 to 1, such as 0.01 for one percent, "
                f"not {self.max_drop}."
            )
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise ValueError(f"threads: give 1 to {MOST_THREADS}, not {self.threads}.")
