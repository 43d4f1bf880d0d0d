"""The port `Optimizer`: each pass in a process of its own, so that one that crashes or
runs out of memory costs its own variant and no other.

Only a fault that another attempt may mend (killed from outside) ends the whole job.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from application.plain_json import from_json, to_json
from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal, Watch
from domain.model_format import ModelFormat
from domain.optimization import (
    OptimizationResult,
    OptimizationSpec,
    Outcome,
    Pass,
    SourceFacts,
    VariantFile,
    VariantResult,
)
from domain.parity import Comparison
from domain.selection import SOURCE, Candidate, choose
from domain.variant_facts import VariantFacts
from domain.verdict import Limits as Allowed
from domain.verdict import decide
from infrastructure.engine.child_process import ChildProcess
from infrastructure.engine.limits import Limits
from infrastructure.engine.onnx.processor import load_average, machine
from infrastructure.engine.packages import PACKAGES
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.stage_watch import StageWatch

VARIANT = "infrastructure.engine.variant"


class SandboxedOptimizer:
    """`limits` are of each pass; `sandbox` may be shared by threads."""

    def __init__(self, sandbox: Sandbox, limits: Limits | None = None) -> None:
        self._sandbox, self._limits = sandbox, limits or Limits()

    def optimize(
        self,
        source: Path,
        spec: OptimizationSpec,
        calibration: Path | None,
        evaluation: Path | None,
        into: Path,
        watch: Watch,
    ) -> OptimizationResult:
        """See the port. Raises EngineRefusal when nothing that was asked for can be done."""
        if spec.passes == (Pass.STATIC_INT8,) and calibration is None:
            raise EngineRefusal(
                "CALIBRATION_MISSING",
                "Static INT8 needs to see real inputs.",
                "Give a calibration dataset of 100 or more rows.",
                "calibration",
            )
        into.mkdir(parents=True, exist_ok=True)
        work = _Work(self._sandbox, self._limits, source, spec, calibration, evaluation, into)
        return work.result(StageWatch(watch))


@dataclass(frozen=True, slots=True)
class _Room:
    """Where one pass works, and the process that waits there for it, if any."""

    scratch: Path
    child: ChildProcess | None


class _Work:
    """One optimization."""

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits,
        source: Path,
        spec: OptimizationSpec,
        calibration: Path | None,
        evaluation: Path | None,
        into: Path,
    ) -> None:
        self._sandbox, self._limits, self._spec, self._into = sandbox, limits, spec, into
        self._source = source.resolve()
        named = {"calibration": calibration, "evaluation": evaluation}
        self._data = {name: None if at is None else str(at.resolve()) for name, at in named.items()}
        given = [at.resolve() for at in (calibration, evaluation) if at is not None]
        self._reads = list(dict.fromkeys([self._source, *given]))

    def result(self, watch: StageWatch) -> OptimizationResult:
        before = load_average()
        found, format = self._prepared(watch)
        variants = tuple(self._variants(format, watch))
        return OptimizationResult(
            source=found,
            variants=variants,
            choice=choose(_candidates(found, variants), self._spec.level),
            machine=machine(before),
            isolation=self._sandbox.isolation,
        )

    def _prepared(self, watch: StageWatch) -> tuple[SourceFacts, ModelFormat]:
        request = {"source": str(self._source), **self._data}
        with tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as scratch:
            told = self._sandbox.run(
                "prepare", request, Path(scratch), watch, self._limits, self._reads
            ).result
        size = self._source.stat().st_size
        found = SourceFacts(size, sha256_of(self._source), told["parameters"], told["nodes"])
        return found, ModelFormat(told["format"])

    def _variants(self, format: ModelFormat, watch: StageWatch) -> Iterator[VariantResult]:
        """While one pass works, the process of the next one starts and imports its libraries."""
        with ExitStack() as rooms:
            passes = self._spec.passes
            coming = rooms.enter_context(self._room(passes[0], format))
            for made_by, following in zip_longest(passes, passes[1:]):
                room = coming
                if following is not None:
                    coming = rooms.enter_context(self._room(following, format))
                yield self._variant(made_by, format, room, watch)

    @contextmanager
    def _room(self, made_by: Pass, format: ModelFormat) -> Iterator[_Room]:
        modules = (VARIANT, f"{PACKAGES[format]}.passes.{made_by.lower()}")
        with tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as folder:
            scratch = Path(folder).resolve()
            child = self._sandbox.waiting(scratch, self._reads, modules)
            try:
                yield _Room(scratch, child)
            finally:
                if child is not None:
                    child.close()

    def _variant(
        self, made_by: Pass, format: ModelFormat, room: _Room, watch: StageWatch
    ) -> VariantResult:
        name, scratch = made_by.lower(), room.scratch
        with watch.closing() as seconds:
            target = scratch / f"{name}.{format.lower()}"
            request = {
                "source": str(self._source),
                "format": format,
                "target": str(target),
                "made_by": made_by,
                "spec": to_json(self._spec),
                **self._data,
            }
            try:
                answer = self._sandbox.run(
                    "variant", request, scratch, watch, self._limits, self._reads, room.child
                )
            except EngineCrashed as crash:
                return _crashed(name, made_by, crash)
            told = {**answer.result, "peak": answer.peak_memory_bytes, "seconds": seconds()}
            if told["outcome"] != Outcome.MADE:
                return _not_made(name, made_by, told)
            return self._made(name, made_by, told, target)

    def _made(self, name: str, made_by: Pass, told: dict[str, Any], target: Path) -> VariantResult:
        file = self._kept(target)
        comparison = from_json(told["comparison"], Comparison)
        facts = from_json(told["facts"], VariantFacts)
        size = self._source.stat().st_size
        return VariantResult(
            name=name,
            made_by=made_by,
            outcome=Outcome.MADE,
            reason=told["reason"],
            file=file,
            comparison=comparison,
            verdict=decide(comparison, _limits(self._spec), size, file.bytes, facts),
            seconds=told["seconds"],
            peak_memory_bytes=told["peak"],
        )

    def _kept(self, made: Path) -> VariantFile:
        """Moves what the process made out of its scratch folder. A link would be another's file:
        the process is not trusted."""
        if made.is_symlink() or not made.is_file():
            raise EngineCrashed(CrashKind.ERROR, f"{made.name} is no plain file", retryable=False)
        kept = self._into / made.name
        made.replace(kept)
        return VariantFile(kept.name, kept.stat().st_size, sha256_of(kept))


def _limits(spec: OptimizationSpec) -> Allowed:
    return Allowed(spec.max_drop, spec.max_bytes, spec.max_latency_ms)


def _not_made(name: str, made_by: Pass, told: dict[str, Any]) -> VariantResult:
    return VariantResult(
        name=name,
        made_by=made_by,
        outcome=Outcome(told["outcome"]),
        reason=told["reason"],
        code=told["code"],
        seconds=told["seconds"],
        peak_memory_bytes=told["peak"],
    )


def _crashed(name: str, made_by: Pass, crash: EngineCrashed) -> VariantResult:
    if crash.retryable:
        raise crash
    code, reason = f"CRASHED_{crash.kind}", f"The pass did not end: {crash.detail}"
    return VariantResult(name, made_by, Outcome.FAILED, reason, code)


def _candidates(source: SourceFacts, variants: tuple[VariantResult, ...]) -> list[Candidate]:
    found = [Candidate(SOURCE, source.bytes, 1.0, 0.0, passed=True)]
    for one in variants:
        if one.file and one.comparison and one.verdict:
            ratio, drop = one.comparison.timing.known_ratio, one.verdict.drop
            found.append(Candidate(one.name, one.file.bytes, ratio, drop, one.passed))
    return found


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
