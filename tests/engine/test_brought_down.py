"""A model that brings down the process that reads it is refused: that is its fault, not ours."""

from collections.abc import Callable
from pathlib import Path

import pytest

from application.ports.engine import EngineRefusal, ModelFile
from domain.benchmark import BenchmarkSpec
from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec
from infrastructure.engine import isolation as isolations
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.child_process import Unwatched
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from tests.engine import networks
from tests.patience import PATIENCE

Reads = Callable[[Sandbox, Path, Path], object]


def inspecting(sandbox: Sandbox, model: Path, folder: Path) -> object:
    return SandboxedModelInspector(sandbox, folder).inspect(model)


def optimizing(sandbox: Sandbox, model: Path, folder: Path) -> object:
    spec = OptimizationSpec()
    return SandboxedOptimizer(sandbox).optimize(model, spec, None, None, folder, Unwatched())


def benchmarking(sandbox: Sandbox, model: Path, folder: Path) -> object:
    files = {"source": ModelFile(model, ModelFormat.ONNX)}
    return SandboxedBenchmarker(sandbox, folder).benchmark(files, BenchmarkSpec(), Unwatched())


@pytest.mark.parametrize(
    ("reads", "field"),
    [(inspecting, "uploadId"), (optimizing, "artifactId"), (benchmarking, "artifactIds")],
)
def test_a_model_that_ends_its_reader_is_refused_where_it_was_named(
    reads: Reads, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolations, "CHILD", "tests.engine.crashing")
    model = networks.clumsy(tmp_path / "source.onnx")
    with pytest.raises(EngineRefusal) as refused:
        reads(Sandbox(Limits(seconds=PATIENCE), isolation=Isolation.LIMITS), model, tmp_path)
    assert (refused.value.code, refused.value.field) == ("CRASHES_ITS_READER", field)
    assert "SIGABRT" in refused.value.message
