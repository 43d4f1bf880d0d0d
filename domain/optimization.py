"""What came of an optimization: the source, its variants with their verdicts, and the choice."""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.benchmark import Machine
from domain.evidence import Evidence
from domain.optimization_spec import (
    Calibration,
    CalibrationMethod,
    Level,
    OptimizationSpec,
    Pass,
)
from domain.parity import Comparison
from domain.selection import Choice
from domain.verdict import Verdict

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "Level",
    "OptimizationResult",
    "OptimizationSpec",
    "Outcome",
    "Pass",
    "SourceFacts",
    "VariantFile",
    "VariantResult",
]


class Outcome(StrEnum):
    """MADE: there is a file and a verdict. SKIPPED: the pass has nothing to do on this model or
    lacks what it needs. FAILED: the tool that does it could not, or made what does not run. BUILT:
    there is a file that nothing here can run, so there is no verdict, and nothing recommends it."""

    MADE = "MADE"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    BUILT = "BUILT"


@dataclass(frozen=True, slots=True)
class VariantFile:
    """A file in the output folder: its name there, its size and its sha256 (hexadecimal)."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The source as it was found: bytes and sha256 of the file, how many weights and nodes."""

    bytes: int
    sha256: str
    parameters: int | None
    nodes: int


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What one pass made. `code` and `reason` say why there is no file, in words with a remedy,
    or, for a file that was MADE or BUILT, what was done. `comparison` and `verdict` belong to MADE
    alone; `seconds` is the time that the pass took; `peak_memory_bytes` its child process's;
    `versions` are of the libraries that it was done with, in whichever environment they are."""

    name: str
    made_by: Pass
    outcome: Outcome
    reason: str
    code: str | None = None
    file: VariantFile | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed


@dataclass(frozen=True, slots=True)
class OptimizationResult:
    """Every pass that was asked for is in `variants`, made or not. `isolation` tells how the
    engine's processes were kept apart: bubblewrap, uid+netns, userns+netns or limits."""

    source: SourceFacts
    variants: tuple[VariantResult, ...]
    choice: Choice
    machine: Machine
    isolation: str
    evidence: Evidence = Evidence.MEASURED
