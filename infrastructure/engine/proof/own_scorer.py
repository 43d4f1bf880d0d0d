"""A user's own scorer, seen from outside: run under bubblewrap or not at all.

It is run once on the source's outputs and once on each variant's, each time in a fresh process that
can read those outputs and the labels, write nothing, reach nothing and start nothing. Where it
fails on the source the request is refused; where it fails on a variant that variant fails.
"""

import tempfile
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from application.ports.engine import EngineCrashed, EngineRefusal, Watch
from domain.measure import Measure
from domain.parity import Accuracy, Comparison
from domain.scorer import Custom, Drop, Scorer, ScorerName
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.limits import GIB, Limits
from infrastructure.engine.sandbox import Sandbox

LIMITS = Limits(seconds=300.0, memory_bytes=4 * GIB, file_bytes=0, open_files=64)
FAILED = "SCORER_FAILED"
REMEDY = "Mend the scorer and try again."
OUTPUTS = "outputs"
"""The folder beside a variant in which the outputs of both are written down."""
LONGEST_WORDS = 500


class _Failed(Exception):
    """The scorer gave no figure, in words."""


@dataclass(frozen=True, slots=True)
class _Figure:
    value: float
    higher_is_better: bool


class OwnScorer:
    """Of one job; not to be shared by threads. `evaluation` is the labelled data."""

    def __init__(
        self, sandbox: Sandbox, scorer: Scorer, evaluation: Path, limits: Limits = LIMITS
    ) -> None:
        """Raises EngineRefusal where there is no bubblewrap."""
        if sandbox.isolation is not Isolation.BUBBLEWRAP:
            raise EngineRefusal(
                "SCORER_NEEDS_BUBBLEWRAP",
                "Your own scorer is code, which is run under bubblewrap only, and bubblewrap does "
                "not work on this worker.",
                "Install it there (apt install bubblewrap), or use one of the built-in scorers.",
                "scorer",
            )
        settings = scorer.typed
        assert isinstance(settings, Custom)
        self._relative = settings.drop is Drop.RELATIVE
        self._sandbox, self._code, self._limits = sandbox, scorer.code, limits
        self._evaluation = evaluation.resolve()
        self._source: _Figure | None = None

    def check(self, watch: Watch) -> None:
        """Loads it. Raises EngineRefusal before any work is spent on it."""
        try:
            self._run("load_scorer", {}, [], watch)
        except _Failed as failed:
            raise _refusal(str(failed)) from failed

    def judged(self, comparison: Comparison, outputs: Path, watch: Watch) -> Comparison:
        """With the figures of source and variant, read from what was recorded of both. Raises
        EngineRefusal where it fails on the source."""
        if self._source is None:
            try:
                self._source = self._figure(outputs, "source", watch)
            except _Failed as failed:
                raise _refusal(str(failed)) from failed
        source = self._source
        try:
            variant = self._figure(outputs, "variant", watch)
            if variant.higher_is_better is not source.higher_is_better:
                raise _Failed("It called higher better for one model and worse for the other.")
        except _Failed as failed:
            return replace(comparison, unscored=f"The scorer gave no figure: {failed}")
        accuracy = Accuracy(
            source=source.value,
            variant=variant.value,
            rows=comparison.rows,
            output="",
            measure=Measure.CUSTOM,
            higher_is_better=source.higher_is_better,
            relative=self._relative,
        )
        return replace(comparison, accuracy=accuracy, labels_ignored="")

    def _figure(self, outputs: Path, side: str, watch: Watch) -> _Figure:
        request = {"outputs": str(outputs), "side": side, "evaluation": str(self._evaluation)}
        told = self._run("score", request, [outputs, self._evaluation], watch)
        match told:
            case {"value": float() | int() as value, "higher_is_better": bool() as higher}:
                if isfinite(value):
                    return _Figure(float(value), higher)
        raise _Failed("Its answer makes no sense.")

    def _run(
        self, task: str, request: dict[str, Any], reads: list[Path], watch: Watch
    ) -> dict[str, Any]:
        """Whatever way it ends, it is the scorer's doing: it may imitate each of them."""
        request = {"code": self._code, **request}
        with tempfile.TemporaryDirectory(prefix="edgewise-scorer-") as folder:
            try:
                answer = self._sandbox.run(
                    task, request, Path(folder), watch, self._limits, reads, writes=False
                )
            except EngineRefusal as refusal:
                if refusal.code == FAILED:
                    raise _Failed(_plain(refusal.message)) from refusal
                raise _Failed(_plain(str(refusal))) from refusal
            except EngineCrashed as crash:
                raise _Failed(_plain(f"It did not end well: {crash.detail}")) from crash
        return answer.result


def _refusal(words: str) -> EngineRefusal:
    return EngineRefusal(FAILED, f"Your own scorer failed. {words}", REMEDY, "scorer")


def _plain(words: str) -> str:
    """One line of printable characters, without an end that we set ourselves."""
    printable = "".join(one if one.isprintable() else " " for one in words)
    return " ".join(printable.split())[:LONGEST_WORDS]


def own_scorer(
    sandbox: Sandbox, scorer: Scorer | None, evaluation: Path | None
) -> OwnScorer | None:
    """None where the scorer is none of the user's. Raises EngineRefusal."""
    if scorer is not None and evaluation is None:
        raise EngineRefusal(
            "EVALUATION_MISSING",
            f"The scorer {scorer.name} judges by labels.",
            "Give a labelled evaluation dataset.",
            "evaluation",
        )
    if scorer is None or scorer.name is not ScorerName.CUSTOM or evaluation is None:
        return None
    return OwnScorer(sandbox, scorer, evaluation)
