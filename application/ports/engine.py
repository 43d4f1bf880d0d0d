"""What the application asks of an engine: read, optimize and time files that nobody vouches for.

An engine refuses with EngineRefusal (the user's to mend, never retried), stops with
EngineCancelled, and breaks with EngineCrashed. It gets private working copies of files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from domain.benchmark import BenchmarkResult, BenchmarkSpec
from domain.model_format import ModelFormat
from domain.optimization import OptimizationResult, OptimizationSpec
from domain.parity import InputsUsed
from domain.signature import Signature


class EngineRefusal(Exception):
    """The file or the request cannot be worked with. `field` is the input at fault, if one is."""

    def __init__(self, code: str, message: str, remedy: str, field: str | None = None) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.code, self.message, self.remedy, self.field = code, message, remedy, field


class EngineCancelled(Exception):
    """The watch said `cancelled`; the work has really stopped."""


class CrashKind(StrEnum):
    """TIMEOUT and MEMORY are limits of ours, STORAGE is a full disk, KILLED somebody else's signal,
    ERROR a fault in the engine or in a library that it uses."""

    TIMEOUT = "TIMEOUT"
    MEMORY = "MEMORY"
    STORAGE = "STORAGE"
    KILLED = "KILLED"
    ERROR = "ERROR"


class EngineCrashed(Exception):
    """The engine's process ended without an answer. `retryable` where another try may help."""

    def __init__(self, kind: CrashKind, detail: str, retryable: bool) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind, self.detail, self.retryable = kind, detail, retryable


class Watch(Protocol):
    """Who looks on. Stages do not overlap; `percent` is of the stage, from 0 to 100."""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None: ...

    def cancelled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a model file is. `signature` is None for a format that is recognized and not yet
    read; `warnings` are sentences for the user."""

    format: ModelFormat
    signature: Signature | None
    warnings: tuple[str, ...]
    isolation: str


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """One array as found. `shape` begins with the rows; extremes are over all finite values."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    nan_count: int
    inf_count: int


@dataclass(frozen=True, slots=True)
class DatasetInspection:
    """What a dataset file holds; `arrays` includes `labels`. `label_counts` by label, None when
    there is no array `labels` of one integer a row."""

    rows: int
    arrays: tuple[ArrayFacts, ...]
    label_counts: dict[str, int] | None
    isolation: str


class ModelInspector(Protocol):
    def inspect(self, file: Path) -> Inspection:
        """Raises EngineRefusal for what is no model that can be taken."""
        ...


class DatasetInspector(Protocol):
    def inspect(self, file: Path) -> DatasetInspection:
        """Raises EngineRefusal for what is no dataset that can be used."""
        ...


class Optimizer(Protocol):
    def optimize(
        self,
        source: Path,
        spec: OptimizationSpec,
        calibration: Path | None,
        evaluation: Path | None,
        into: Path,
        watch: Watch,
    ) -> OptimizationResult:
        """Writes the files of the variants that were MADE into the folder `into`. A pass that
        cannot be done is a variant with a reason; only what spoils all of them is raised."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A working copy, and its format as an inspection found it."""

    path: Path
    format: ModelFormat


class Benchmarker(Protocol):
    def benchmark(
        self, files: Mapping[str, ModelFile], spec: BenchmarkSpec, watch: Watch
    ) -> Mapping[str, BenchmarkResult]:
        """By the same names as `files`, measured in turns, each run in a fresh process."""
        ...


@dataclass(frozen=True, slots=True)
class GoldenFound:
    """How many samples were run, and whether of the dataset or of random numbers."""

    samples: int
    inputs: InputsUsed


class GoldenMaker(Protocol):
    def golden(
        self, reference: ModelFile, data: Path | None, samples: int, into: Path
    ) -> GoldenFound:
        """Runs the model on at most so many rows of a dataset, else on seeded random inputs, and
        writes both as the file `into` (`domain.release.Golden`): the same bytes each time. Raises
        EngineRefusal where it does not run, or gives no finite numbers, and EngineCrashed."""
        ...
