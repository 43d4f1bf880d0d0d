"""One model's way through the platform, by the public API alone: push, optimize, benchmark, choose.

Names that exist already get new versions, so the way can be gone again and again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interfaces.cli import show
from interfaces.cli.benchmarks import measured
from interfaces.cli.client import Client
from interfaces.cli.ids import relay_id
from interfaces.cli.optimize import request_benchmark, request_optimization
from interfaces.cli.push import push_dataset, push_model
from interfaces.cli.queries import artifact as artifact_queries
from interfaces.cli.queries import model as model_queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.variants import Findings, findings
from interfaces.cli.watch import StageBars, finished, require_success

ALIAS = "production"
ADDED_WITHIN = 30.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to be shown, with what it is calibrated with and judged on."""

    name: str
    about: str
    model: Path
    calibration: Path
    evaluation: Path
    max_drop: float = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `benchmarks` holds the measured figures by variant."""

    subject: Subject
    model_id: str
    source: dict[str, Any]
    found: Findings
    benchmarks: dict[str, dict[str, Any]]
    optimize_job: str
    benchmark_job: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Journey:
    """`quiet` shows no progress."""

    client: Client
    quiet: bool

    def go(self, subject: Subject) -> Outcome:
        """The whole way. Raises CommandRefused."""
        began = time.monotonic()
        pushed, calibration, evaluation = self._push(subject)
        model_id = pushed["model"]["id"]
        optimized = self._see_through(
            "optimize",
            request_optimization(
                self.client,
                model_id,
                calibrationDatasetId=calibration["id"],
                evaluationDatasetId=evaluation["id"],
                maxDrop=subject.max_drop,
            ),
        )
        found = findings(optimized)
        benched = self._benchmark(model_id, found)
        self._choose(model_id, found)
        return Outcome(
            subject,
            model_id,
            pushed["artifact"],
            found,
            _by_variant(found, measured(self.client, benched)),
            optimized["id"],
            benched["id"],
            time.monotonic() - began,
        )

    def _push(self, subject: Subject) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        name = subject.name
        with self._bar(subject.model) as bar:
            model = push_model(self.client, subject.model, name, "CLASSIFICATION", bar)
        with self._bar(subject.calibration) as bar:
            calibration = push_dataset(
                self.client, subject.calibration, f"{name}-calibration", "CALIBRATION", bar
            )
        with self._bar(subject.evaluation) as bar:
            evaluation = push_dataset(
                self.client, subject.evaluation, f"{name}-evaluation", "EVALUATION", bar
            )
        return model, calibration, evaluation

    def _benchmark(self, model_id: str, found: Findings) -> dict[str, Any]:
        ids = [relay_id("Artifact", one.artifact_id) for one in found.variants if one.artifact_id]
        self._await_artifacts(ids)
        job = request_benchmark(self.client, model_id, artifactIds=ids)
        return self._see_through("benchmark", job)

    def _await_artifacts(self, ids: Sequence[str | None]) -> None:
        """A policy adds what a job made to its model, a moment after the job has ended."""
        until = time.monotonic() + ADDED_WITHIN
        while True:
            try:
                self.client.run(artifact_queries.COMPARE, ids=ids)
                return
            except CommandRefused as refused:
                if refused.code != "NOT_FOUND" or time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def _choose(self, model_id: str, found: Findings) -> None:
        chosen = found.chosen.artifact_id
        assert chosen is not None
        self.client.change(
            model_queries.ALIAS_MOVE,
            modelId=model_id,
            alias=ALIAS,
            artifactId=relay_id("Artifact", chosen),
        )

    def _see_through(self, name: str, job: dict[str, Any]) -> dict[str, Any]:
        with self._stages(name) as bars:
            tell = bars.tell if bars else lambda progress: None
            return require_success(finished(self.client, job["id"], tell))

    def _stages(self, name: str) -> AbstractContextManager[StageBars | None]:
        return nullcontext() if self.quiet else StageBars(f"  {name}: ")

    @contextmanager
    def _bar(self, path: Path) -> Iterator[Progress]:
        if self.quiet:
            yield lambda sent, size: None
            return
        with show.progress(transfer=True) as bars:
            task = bars.add_task(f"  upload {show.text(path.name)}", total=None)
            yield lambda sent, size: bars.update(task, completed=sent, total=size)


def _by_variant(found: Findings, entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    by_artifact = {entry["artifactId"]: entry["figures"] for entry in entries}
    return {
        one.name: by_artifact[one.artifact_id]
        for one in found.variants
        if one.artifact_id in by_artifact
    }
