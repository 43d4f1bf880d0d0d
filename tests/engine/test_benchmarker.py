"""The benchmarker: raw times of fresh processes, in turns, and the machine they are true of."""

from pathlib import Path

import pytest

from application.plain_json import from_json, to_json
from application.ports.engine import EngineCancelled, EngineRefusal, ModelFile
from domain.benchmark import BenchmarkResult, BenchmarkSpec
from domain.evidence import Evidence
from domain.model_format import ModelFormat
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.limits import Limits
from infrastructure.engine.sandbox import Sandbox
from tests.engine import models
from tests.engine.watching import Remembering
from tests.patience import PATIENCE

SPEC = BenchmarkSpec(runs=20, rounds=2, warmup=2, threads=1)


def onnx_file(path: Path) -> ModelFile:
    return ModelFile(path, ModelFormat.ONNX)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(Limits(seconds=PATIENCE))


@pytest.fixture
def watch() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> tuple[dict[str, BenchmarkResult], Remembering]:
    folder, watch = tmp_path_factory.mktemp("benchmark"), Remembering()
    files = {
        "small": onnx_file(models.saved(models.matmul(16, 16), folder, "small.onnx")),
        "large": onnx_file(models.saved(models.matmul(3_000, 3_000), folder, "large.onnx")),
    }
    benchmarker = SandboxedBenchmarker(sandbox, folder)
    return dict(benchmarker.benchmark(files, SPEC, watch)), watch


def test_the_raw_samples_are_kept_and_the_figures_are_theirs(
    measured: tuple[dict[str, BenchmarkResult], Remembering],
) -> None:
    for result in measured[0].values():
        assert len(result.samples_ms) == SPEC.runs * SPEC.rounds
        assert min(result.samples_ms) <= result.p50_ms <= result.p90_ms <= result.p99_ms
        assert result.p99_ms <= max(result.samples_ms)
        assert result.throughput_per_s == pytest.approx(1_000 / result.mean_ms)
        assert result.evidence is Evidence.MEASURED


def test_a_large_model_is_slower_and_needs_more_memory_than_a_small_one(
    measured: tuple[dict[str, BenchmarkResult], Remembering],
) -> None:
    small, large = measured[0]["small"], measured[0]["large"]
    assert large.p50_ms > 10 * small.p50_ms
    assert large.peak_memory_bytes - small.peak_memory_bytes > 25_000_000
    assert small.peak_memory_bytes >= small.base_memory_bytes > 0


def test_the_machine_and_the_versions_are_told(
    measured: tuple[dict[str, BenchmarkResult], Remembering],
) -> None:
    machine = measured[0]["small"].machine
    assert machine.cpu
    assert machine.cores > 0
    assert {"python", "onnxruntime", "numpy"} <= set(machine.versions)
    assert (measured[0]["small"].threads, measured[0]["small"].batch) == (1, 1)


def test_variants_are_measured_in_turns(
    measured: tuple[dict[str, BenchmarkResult], Remembering],
) -> None:
    watch = measured[1]
    assert watch.stages == ["+measure", "-measure"]
    turns = list(dict.fromkeys(message.split(":")[0] for _, message in watch.ticks))
    assert turns == [
        "small, round 1 of 2",
        "large, round 1 of 2",
        "large, round 2 of 2",
        "small, round 2 of 2",
    ]
    percents = [percent for percent, _ in watch.ticks]
    assert percents == sorted(percents)


def test_a_result_is_the_same_after_storing(
    measured: tuple[dict[str, BenchmarkResult], Remembering],
) -> None:
    result = measured[0]["small"]
    assert from_json(to_json(result), BenchmarkResult) == result


def test_a_batch_fills_an_open_first_dimension(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    file = models.saved(models.matmul(), tmp_path)
    spec = BenchmarkSpec(runs=3, rounds=1, warmup=0, batch=8)
    result = SandboxedBenchmarker(sandbox, tmp_path).benchmark({"a": onnx_file(file)}, spec, watch)[
        "a"
    ]
    assert result.batch == 8
    assert result.throughput_per_s == pytest.approx(8_000 / result.mean_ms)


def test_what_does_not_run_is_refused(tmp_path: Path, sandbox: Sandbox, watch: Remembering) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"not a model")
    with pytest.raises(EngineRefusal) as refused:
        SandboxedBenchmarker(sandbox, tmp_path).benchmark({"a": onnx_file(file)}, SPEC, watch)
    assert refused.value.code == "NOT_RUNNABLE"


def test_cancelling_stops_a_benchmark(tmp_path: Path, sandbox: Sandbox) -> None:
    file = models.saved(models.matmul(), tmp_path)
    with pytest.raises(EngineCancelled):
        SandboxedBenchmarker(sandbox, tmp_path).benchmark(
            {"a": onnx_file(file)}, BenchmarkSpec(runs=3_000), Remembering(stop_at="measure")
        )
