"""What a benchmark is asked for and what it found: raw samples, and the machine they are true of.

A percentile is by nearest rank: the smallest sample with at least that share of all samples at or
below it, so every percentile is a time that was really measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from domain.evidence import Evidence

MOST_SAMPLES = 10_000
"""As many raw samples are kept for each variant; more are not taken."""


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """`runs` timed runs in each of `rounds` fresh processes, after `warmup` runs that do not
    count. `threads` None means min(2, cores). `batch` is taken for a symbolic first dimension."""

    runs: int = 100
    rounds: int = 3
    warmup: int = 10
    threads: int | None = None
    batch: int = 1

    def __post_init__(self) -> None:
        _within("runs", self.runs, 1, MOST_SAMPLES)
        _within("rounds", self.rounds, 1, 20)
        _within("warmup", self.warmup, 0, 1_000)
        _within("batch", self.batch, 1, 1_024)
        if self.threads is not None:
            _within("threads", self.threads, 1, 256)
        if self.runs * self.rounds > MOST_SAMPLES:
            raise ValueError(
                f"runs: runs × rounds is {self.runs * self.rounds:,}; ask for at most "
                f"{MOST_SAMPLES:,} samples."
            )


def _within(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{field}: give {low:,} to {high:,}, not {value:,}.")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured. `instruction_sets` are those that matter to inference; `versions`
    of the libraries that did the work; loads are averages over one minute, before and after."""

    cpu: str
    architecture: str
    cores: int
    memory_bytes: int
    instruction_sets: tuple[str, ...]
    os: str
    versions: dict[str, str]
    load_before: float | None
    load_after: float | None


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One variant. `samples_ms` are the raw times of single runs in order; percentiles and mean
    are of them; `throughput_per_s` is rows a second (batch / mean). `load_ms` is the median over
    the rounds of making the session; `peak_memory_bytes` the largest resident size of the whole
    process, of which `base_memory_bytes` were there before the model was loaded.
    `started_at` is ISO 8601 in UTC."""

    samples_ms: tuple[float, ...]
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    throughput_per_s: float
    load_ms: float
    peak_memory_bytes: int
    base_memory_bytes: int
    batch: int
    threads: int
    warmup: int
    rounds: int
    machine: Machine
    isolation: str
    started_at: str
    evidence: Evidence = Evidence.MEASURED


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` from 0 to 100. Raises ValueError without samples."""
    if not samples:
        raise ValueError("samples: there are none to take a percentile of.")
    ordered = sorted(samples)
    rank = max(1, ceil(share / 100 * len(ordered)))
    return ordered[rank - 1]
