"""The port `Optimizer`: each pass in a process of its own, so that one that crashes or
runs out of memory costs its own variant and no other.

Only a fault that another attempt may mend (killed from outside) ends the whole job.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from application.plain_json import from_json, to_json
from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal, Watch
from domain.declared import Route, route
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
from domain.scorer import ScorerName
from domain.selection import SOURCE, Candidate, choose
from domain.variant_facts import VariantFacts
from domain.verdict import Limits as Allowed
from domain.verdict import decide
from infrastructure.engine.brought_down import told_of_the_model
from infrastructure.engine.child_process import ChildProcess
from infrastructure.engine.limits import Limits
from infrastructure.engine.onnx.processor import load_average, machine
from infrastructure.engine.packages import module_of
from infrastructure.engine.proof.own_scorer import OUTPUTS, own_scorer
from infrastructure.engine.pythons import Pythons
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.stage_watch import StageWatch
from infrastructure.engine.told import crashed, not_made
from infrastructure.toolchains.environments import Environments

VARIANT = "infrastructure.engine.variant"


class SandboxedOptimizer:
    """`limits` are of each pass; `sandbox` may be shared by threads; `environments` are where the
    toolchains are."""

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits | None = None,
        environments: Environments | None = None,
    ) -> None:
        self._sandbox, self._limits = sandbox, limits or Limits()
        self._pythons = Pythons(sandbox, environments)

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
        data = {"calibration": calibration, "evaluation": evaluation}
        work = _Work(self._sandbox, self._pythons, self._limits, source, spec, data, into)
        return work.result(StageWatch(watch))


@dataclass(frozen=True, slots=True)
class _Room:
    """Where one pass works, with which Python, and the process that waits there for it, if any."""

    way: Route
    sandbox: Sandbox
    scratch: Path
    child: ChildProcess | None


class _Work:
    """One optimization."""

    def __init__(
        self,
        sandbox: Sandbox,
        pythons: Pythons,
        limits: Limits,
        source: Path,
        spec: OptimizationSpec,
        data: Mapping[str, Path | None],
        into: Path,
    ) -> None:
        self._sandbox, self._pythons, self._limits = sandbox, pythons, limits
        self._spec, self._into, self._source = spec, into, source.resolve()
        self._data = {name: None if at is None else str(at.resolve()) for name, at in data.items()}
        given = [at.resolve() for at in data.values() if at is not None]
        self._reads = list(dict.fromkeys([self._source, *given]))
        self._own = own_scorer(sandbox, spec.scorer, data["evaluation"])
        self._converted: Path | None = None
        self._told: dict[str, Any] = {"outcome": Outcome.MADE, "reason": ""}

    def result(self, watch: StageWatch) -> OptimizationResult:
        before = load_average()
        if self._own is not None:
            self._own.check(watch)
        found, takes = self._prepared(watch)
        ways = self._ways(takes)
        if any(way.conversion or way.is_conversion for way in ways):
            self._convert(ways[0], watch)
        variants = tuple(self._variants(ways, watch))
        return OptimizationResult(
            source=found,
            variants=variants,
            choice=choose(_candidates(found, variants), self._spec.level),
            machine=machine(before),
            isolation=self._sandbox.isolation,
        )

    def _prepared(self, watch: StageWatch) -> tuple[SourceFacts, ModelFormat]:
        scorer = self._spec.scorer
        classes = scorer is None or scorer.name is ScorerName.CLASSIFICATION
        request = {"source": str(self._source), **self._data, "classes": classes}
        with (
            tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as scratch,
            told_of_the_model("artifactId"),
        ):
            told = self._sandbox.run(
                "prepare", request, Path(scratch), watch, self._limits, self._reads
            ).result
        size = self._source.stat().st_size
        found = SourceFacts(size, sha256_of(self._source), told["parameters"], told["nodes"])
        return found, ModelFormat(told["format"])

    def _ways(self, takes: ModelFormat) -> tuple[Route, ...]:
        ways = []
        for made_by in self._spec.passes:
            way = route(made_by, takes, self._spec.target)
            if way is None:
                gives = self._spec.target or takes
                told = f"{made_by} does not lead from {takes} to {gives}."
                raise EngineRefusal("PASS_UNKNOWN", told, "See `edgewise passes`.", "passes")
            ways.append(way)
        return tuple(ways)

    def _convert(self, way: Route, watch: StageWatch) -> None:
        """What passes on the target's format are done on, made once. Where it cannot be made, they
        have its outcome."""
        sandbox = self._pythons.for_route(way, watch)
        takes, gives = way.steps[0].format, way.made_by.given
        with (
            tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as scratch,
            watch.closing(),
        ):
            target = Path(scratch).resolve() / f"converted{gives.suffix}"
            request = {
                "source": str(self._source),
                "takes": takes,
                "gives": gives,
                "target": str(target),
                "spec": to_json(self._spec),
                "calibration": self._data["calibration"],
            }
            try:
                self._told = sandbox.run(
                    "convert", request, Path(scratch), watch, self._limits, self._reads
                ).result
            except EngineCrashed as crash:
                self._told = crashed(crash)
                return
            if self._told["outcome"] == Outcome.MADE:
                self._converted = self._moved(target, ".converted")
                self._reads.append(self._converted)

    def _variants(self, ways: Sequence[Route], watch: StageWatch) -> Iterator[VariantResult]:
        """While one pass works, the process of the next one starts and imports its libraries."""
        with ExitStack() as rooms:
            coming = rooms.enter_context(self._room(ways[0], watch))
            for _, following in zip_longest(ways, ways[1:]):
                room = coming
                if following is not None:
                    coming = rooms.enter_context(self._room(following, watch))
                yield self._variant(room, watch)

    @contextmanager
    def _room(self, way: Route, watch: StageWatch) -> Iterator[_Room]:
        sandbox = self._pythons.for_route(way, watch)
        modules = (VARIANT, module_of(way.made_by))
        with tempfile.TemporaryDirectory(dir=self._into, prefix=".work-") as folder:
            scratch = Path(folder).resolve()
            child = sandbox.waiting(scratch, self._reads, modules)
            try:
                yield _Room(way, sandbox, scratch, child)
            finally:
                if child is not None:
                    child.close()

    def _variant(self, room: _Room, watch: StageWatch) -> VariantResult:
        way, target = room.way, room.scratch / f"{room.way.name}{room.way.made_by.given.suffix}"
        if (way.conversion or way.is_conversion) and self._converted is None:
            return not_made(way, {**self._told, "seconds": 0.0, "peak": None})
        request = {
            "source": str(self._source),
            "takes": way.steps[0].format,
            "gives": way.made_by.given,
            "target": str(target),
            "made_by": way.made_by.made_by,
            "spec": to_json(self._spec),
            "converted": None if self._converted is None else str(self._converted),
            "converted_how": self._told["reason"],
            **self._data,
        }
        with watch.closing() as seconds:
            try:
                answer = room.sandbox.run(
                    "variant", request, room.scratch, watch, self._limits, self._reads, room.child
                )
            except EngineCrashed as crash:
                return not_made(way, {**crashed(crash), "seconds": 0.0, "peak": None})
            told = {**answer.result, "peak": answer.peak_memory_bytes, "seconds": seconds()}
            if told["outcome"] not in (Outcome.MADE, Outcome.BUILT):
                return not_made(way, told)
            return self._made(way, told, target, watch)

    def _made(
        self, way: Route, told: dict[str, Any], target: Path, watch: StageWatch
    ) -> VariantResult:
        kept = self._moved(target, way.name)
        file = VariantFile(kept.name, kept.stat().st_size, sha256_of(kept))
        made = replace(not_made(way, told), file=file)
        if made.outcome is Outcome.BUILT:
            return made
        comparison = from_json(told["comparison"], Comparison)
        if self._own is not None:
            comparison = self._own.judged(comparison, target.with_name(OUTPUTS), watch)
        facts = from_json(told["facts"], VariantFacts)
        size = self._source.stat().st_size
        verdict = decide(comparison, _limits(self._spec), size, file.bytes, facts)
        return replace(made, comparison=comparison, verdict=verdict)

    def _moved(self, made: Path, name: str) -> Path:
        """Moves what the process made out of its scratch folder. A link would be another's file:
        the process is not trusted."""
        if made.is_symlink() or not made.is_file():
            raise EngineCrashed(CrashKind.ERROR, f"{made.name} is no plain file", retryable=False)
        kept = self._into / f"{name}{''.join(made.suffixes)}"
        made.replace(kept)
        return kept.resolve()


def _limits(spec: OptimizationSpec) -> Allowed:
    return Allowed(spec.max_drop, spec.max_bytes, spec.max_latency_ms)


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
