"""The port `Benchmarker`: variants in turns, each measurement in a fresh process.

Round after round, every other one in reverse (A B C, C B A, …), so that what the machine does
meanwhile meets all variants alike. One process runs at a time.
"""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from typing import Any

from application.ports.engine import ModelFile, Watch
from domain.benchmark import BenchmarkResult, BenchmarkSpec, Machine, percentile
from infrastructure.engine.brought_down import told_of_the_model
from infrastructure.engine.limits import Limits
from infrastructure.engine.onnx.processor import load_average, machine
from infrastructure.engine.pythons import Pythons
from infrastructure.engine.sandbox import Answer, Sandbox
from infrastructure.engine.stage_watch import StageWatch
from infrastructure.engine.threads import default_threads
from infrastructure.toolchains.environments import Environments

STAGE = "measure"


class _Shares:
    """Turns the percent of one measurement into the percent of all."""

    def __init__(self, watch: Watch, parts: int) -> None:
        self._watch, self._parts = watch, parts
        self.done, self.label = 0, ""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None:
        whole = (100 * self.done + percent) / self._parts
        self._watch.tick(round(whole, 1), f"{self.label}: {message}")

    def cancelled(self) -> bool:
        return self._watch.cancelled()


class SandboxedBenchmarker:
    """`scratch` is the folder for working folders; `limits` are of each process."""

    def __init__(
        self,
        sandbox: Sandbox,
        scratch: Path,
        limits: Limits | None = None,
        environments: Environments | None = None,
    ) -> None:
        self._pythons, self._scratch = Pythons(sandbox, environments), scratch
        self._limits = limits or Limits()

    def benchmark(
        self, files: Mapping[str, ModelFile], spec: BenchmarkSpec, watch: Watch
    ) -> Mapping[str, BenchmarkResult]:
        """See the port. Raises EngineRefusal, EngineCancelled, EngineCrashed."""
        started, before = datetime.now(UTC), load_average()
        stages = StageWatch(watch)
        sandboxes = {
            name: self._pythons.for_running(file.format, stages) for name, file in files.items()
        }
        stages.stage_started(STAGE)
        answers: dict[str, list[Answer]] = {name: [] for name in files}
        shares = _Shares(stages, max(1, spec.rounds * len(files)))
        for number in range(spec.rounds):
            for name in list(files) if number % 2 == 0 else reversed(list(files)):
                shares.label = f"{name}, round {number + 1} of {spec.rounds}"
                answers[name].append(
                    self._measured(sandboxes[name], files[name].path.resolve(), spec, shares)
                )
                shares.done += 1
        stages.stage_finished(STAGE)
        at = machine(before)
        return {name: _result(told, spec, at, started) for name, told in answers.items()}

    def _measured(self, sandbox: Sandbox, file: Path, spec: BenchmarkSpec, watch: Watch) -> Answer:
        request = {
            "model": str(file),
            "threads": default_threads(spec.threads),
            "warmup": spec.warmup,
            "runs": spec.runs,
            "batch": spec.batch,
        }
        with (
            tempfile.TemporaryDirectory(dir=self._scratch, prefix="benchmark-") as folder,
            told_of_the_model("artifactIds"),
        ):
            return sandbox.run("benchmark", request, Path(folder), watch, self._limits, [file])


def _result(
    answers: list[Answer], spec: BenchmarkSpec, at: Machine, started: datetime
) -> BenchmarkResult:
    told: list[dict[str, Any]] = [answer.result for answer in answers]
    samples = tuple(float(one) for part in told for one in part["samples_ms"])
    mean, batch = fmean(samples), int(told[0]["batch"])
    return BenchmarkResult(
        samples_ms=samples,
        p50_ms=percentile(samples, 50),
        p90_ms=percentile(samples, 90),
        p99_ms=percentile(samples, 99),
        mean_ms=mean,
        throughput_per_s=batch * 1_000 / mean,
        load_ms=median(part["load_ms"] for part in told),
        peak_memory_bytes=max(part["peak_memory_bytes"] for part in told),
        base_memory_bytes=min(part["base_memory_bytes"] for part in told),
        batch=batch,
        threads=default_threads(spec.threads),
        warmup=spec.warmup,
        rounds=spec.rounds,
        machine=at,
        isolation=answers[0].isolation,
        started_at=started.isoformat(),
    )
