"""What an optimization is asked to do: which passes, how they are set, and what may be lost.

A spec is checked where it is made: a value that cannot be is a ValueError that begins with the
field as the API spells it, then the rule and the remedy.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.model_format import ModelFormat
from domain.scorer import Scorer

MOST_CALIBRATION_SAMPLES = 100_000
MOST_THREADS = 256
BLOCK_SIZES = (16, 32, 64, 128, 256)


class Pass(StrEnum):
    """What can be done to a model; each makes one variant from the source. CONVERT keeps the
    numbers and changes the format alone; names such as Q4_K_M are llama.cpp's."""

    GRAPH = "GRAPH"
    FP16 = "FP16"
    DYNAMIC_INT8 = "DYNAMIC_INT8"
    STATIC_INT8 = "STATIC_INT8"
    INT4 = "INT4"
    MIXED_INT4 = "MIXED_INT4"
    FP8 = "FP8"
    INT16X8 = "INT16X8"
    CONVERT = "CONVERT"
    BF16 = "BF16"
    NF4 = "NF4"
    ACCURACY_INT8 = "ACCURACY_INT8"
    PALETTIZE = "PALETTIZE"
    Q8_0 = "Q8_0"
    Q4_0 = "Q4_0"
    Q4_1 = "Q4_1"
    Q5_0 = "Q5_0"
    Q5_1 = "Q5_1"
    Q4_K_M = "Q4_K_M"
    Q5_K_M = "Q5_K_M"
    Q6_K = "Q6_K"


class Level(StrEnum):
    """What the recommendation goes by."""

    SPEED = "SPEED"
    BALANCED = "BALANCED"
    SIZE = "SIZE"


_ALWAYS = (Pass.GRAPH, Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8)
PASSES_OF = {
    Level.SPEED: _ALWAYS,
    Level.BALANCED: _ALWAYS,
    Level.SIZE: (*_ALWAYS, Pass.INT4, Pass.MIXED_INT4),
}
"""Which passes a level tries where none are named; FP8 is for accelerators, and only on request."""


class CalibrationMethod(StrEnum):
    """How the range of a tensor is told from calibration data: all of it, the range that loses
    least information, a share of the values, the range of the least squared error, or BEST: each
    of these in turn, and the one whose outputs come nearest to the source's on that data."""

    MINMAX = "MINMAX"
    ENTROPY = "ENTROPY"
    PERCENTILE = "PERCENTILE"
    MSE = "MSE"
    BEST = "BEST"


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
    """`max_drop` is the share (0 to 1) that a variant may lose, `max_bytes` and `max_latency_ms`
    (the median of one run, in the quick comparison with the source) what it may take; None is no
    limit. See `domain.verdict`.

    `per_channel` gives each output channel of a weight its own scale, `reduce_range` keeps weights
    to 7 bits for x86 CPUs without VNNI; both are of the INT8 passes. `block_size` is how many
    weights share a scale in the INT4 passes. `threads` None means min(2, cores).
    `target` is the format that the variants have, None the source's own. `scorer` None means the
    share of rows whose class is told, where labels and an output tell classes.
    """

    passes: tuple[Pass, ...] = PASSES_OF[Level.BALANCED]
    level: Level = Level.BALANCED
    max_drop: float = 0.01
    calibration: Calibration = field(default_factory=Calibration)
    per_channel: bool = True
    reduce_range: bool = False
    threads: int | None = None
    block_size: int = 32
    max_bytes: int | None = None
    max_latency_ms: float | None = None
    target: ModelFormat | None = None
    scorer: Scorer | None = None

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
        if self.block_size not in BLOCK_SIZES:
            known = ", ".join(map(str, BLOCK_SIZES))
            raise ValueError(f"blockSize: give one of {known}, not {self.block_size}.")
        if self.max_bytes is not None and self.max_bytes < 1:
            raise ValueError(f"maxBytes: give 1 byte or more, not {self.max_bytes}.")
        if self.max_latency_ms is not None and not 0 < self.max_latency_ms < float("inf"):
            raise ValueError(f"maxLatencyMs: give milliseconds above 0, not {self.max_latency_ms}.")
