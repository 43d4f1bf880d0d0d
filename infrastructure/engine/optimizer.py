"""The port `Optimizer` for ONNX: each pass in a process of its own, so that one that crashes or
runs out of memory costs its own variant and no other.

Only a fault that another attempt may mend (killed from outside) ends the whole job.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from application.plain_json import from_json, to_json
from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal, Watch
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
from domain.verdict import decide
from infrastructure.engine.limits import Limits
from infrastructure.engine.onnx.processor import load_average, machine
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.stage_watch import StageWatch


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
        found = self._source_facts(watch)
        variants = tuple(self._variant(one, watch) for one in self._spec.passes)
        return OptimizationResult(
            source=found,
            variants=variants,
            choice=choose(_candidates(found, variants), self._spec.level),
            machine=machine(before),
            isolation=self._sandbox.isolation,
        )

    def _source_facts(self, watch: StageWatch) -> SourceFacts:
        request = {"source": str(self._source), **self._data}
        with tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as scratch:
            told = self._sandbox.run(
                "onnx.prepare", request, Path(scratch), watch, self._limits, self._reads
            ).result
        size = self._source.stat().st_size
        return SourceFacts(size, sha256_of(self._source), told["parameters"], told["nodes"])

    def _variant(self, made_by: Pass, watch: StageWatch) -> VariantResult:
        name = made_by.lower()
        with (
            tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as folder,
            watch.closing() as seconds,
        ):
            scratch = Path(folder).resolve()
            target = scratch / f"{name}.onnx"
            request = {
                "source": str(self._source),
                "target": str(target),
                "made_by": made_by,
                "spec": to_json(self._spec),
                **self._data,
            }
            try:
                answer = self._sandbox.run(
                    "onnx.variant", request, scratch, watch, self._limits, self._reads
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
            verdict=decide(comparison, self._spec.max_drop, size, file.bytes, facts),
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
