"""One case carried out as a worker would, and what came of it."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from application.ports.engine import EngineCrashed, EngineRefusal
from application.ports.toolchains import InstallFailed
from benchmarks.conversions.case import Case
from domain.declared import Route, route
from domain.optimization import OptimizationSpec, Outcome, VariantResult
from infrastructure.engine.child_process import Unwatched
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.sniff import sniff
from infrastructure.toolchains.catalog import CATALOG
from infrastructure.toolchains.environments import Environments

LIMITS = Limits(seconds=1_800.0)
PASSED, LOST, BUILT, REFUSED, FAILED = "passed", "failed its gate", "built", "not done", "failed"


@dataclass(frozen=True, slots=True)
class Judged:
    """`by` are the libraries that did it with their versions; `parity` is the worst output's cosine
    and `agreement` its share of rows with the same class; `ratio` is of bytes, and `seconds` are of
    the pass and its proof. `why` says what is wrong where it did not pass."""

    name: str
    takes: str
    gives: str
    made_by: str
    by: str
    verdict: str
    seconds: float = 0.0
    ratio: float | None = None
    parity: float | None = None
    agreement: float | None = None
    accuracy: tuple[float, float] | None = None
    evidence: str = ""
    inputs: str = ""
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judged(case: Case, kept: Path, environments: Environments) -> Judged:
    """`kept` is a folder where what was downloaded stays. A case that cannot be tried says why."""
    try:
        source = case.source(kept)
        takes = sniff(source)
        data = None if case.data is None else case.data(kept)
    except (OSError, subprocess.CalledProcessError, InstallFailed, KeyError) as error:
        why = f"Its model cannot be had: {error}"
        return Judged(case.name, "", case.target, case.made_by, "", REFUSED, why=_short(why))
    way = route(case.made_by, takes, case.target)
    if way is None:
        why = f"Nothing here leads from {takes} to {case.target} by {case.made_by}."
        return Judged(case.name, takes, case.target, case.made_by, "", REFUSED, why=why)
    told = Judged(case.name, takes, case.target, case.made_by, ", ".join(_libraries(way)), FAILED)
    target = None if case.target is takes else case.target
    spec = OptimizationSpec(passes=(case.made_by,), target=target)
    optimizer = SandboxedOptimizer(Sandbox(LIMITS), LIMITS, environments)
    with tempfile.TemporaryDirectory(prefix="edgewise-conversion-") as folder:
        into = Path(folder)
        into.chmod(0o755)  # the sandbox gives up root's rights and must pass through
        try:
            result = optimizer.optimize(source, spec, data, data, into, Unwatched())
        except EngineRefusal as refusal:
            return _with(told, verdict=REFUSED, why=_short(str(refusal)))
        except EngineCrashed as crash:
            return _with(told, why=_short(crash.detail))
    return _of(told, result.variants[0], source.stat().st_size)


def _of(told: Judged, made: VariantResult, size: int) -> Judged:
    seconds = round(made.seconds, 1)
    if made.file is None:
        verdict = REFUSED if made.outcome is Outcome.SKIPPED else FAILED
        return _with(told, verdict=verdict, seconds=seconds, why=_short(made.reason))
    ratio = made.file.bytes / size
    if made.comparison is None or made.verdict is None:
        return _with(told, verdict=BUILT, seconds=seconds, ratio=ratio, evidence="BUILT")
    outputs, accuracy = made.comparison.outputs, made.comparison.accuracy
    agreed = [one.argmax_agreement for one in outputs if one.argmax_agreement is not None]
    lost = [gate.reason for gate in made.verdict.gates if not gate.passed]
    return _with(
        told,
        verdict=PASSED if made.passed else LOST,
        seconds=seconds,
        ratio=ratio,
        parity=min(one.cosine for one in outputs),
        agreement=min(agreed, default=None),
        accuracy=None if accuracy is None else (accuracy.source, accuracy.variant),
        evidence=made.comparison.timing.evidence.value,
        inputs=made.comparison.inputs.value,
        why=_short(" ".join(lost)),
    )


def _with(told: Judged, **found: Any) -> Judged:
    return Judged(**{**asdict(told), **found})


def _libraries(way: Route) -> Iterator[str]:
    """From the toolchain's lock file where there is one, else of this environment."""
    pinned = {}
    if way.toolchain:
        text = CATALOG[way.toolchain].lock.read_text()
        pinned = dict(re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)==([^\s;]+)", text))
    known = packages_distributions()
    for need in way.needs:
        name = known.get(need, [need])[0].lower().replace("_", "-")
        try:
            found = pinned.get(name) or version(name)
        except PackageNotFoundError:
            found = ""
        yield f"{name} {found}".strip()


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 300 else f"{plain[:299]}…"
