"""TensorRT-RTX engines, built from ONNX where no GPU is, and never run."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass
from domain.selection import SOURCE
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sniff import sniff
from tests.engine import networks
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("tensorrt")


@pytest.fixture
def optimized(toolchain, optimizer: SandboxedOptimizer, tmp_path: Path):
    toolchain("tensorrt")

    def run(source: Path, *passes: Pass, rows: Path | None = None):
        spec = OptimizationSpec(passes=passes, target=ModelFormat.TENSORRT_ENGINE)
        return optimizer.optimize(source, spec, rows, None, tmp_path / "out", Remembering())

    return run


def test_engines_are_built_in_each_precision_and_nothing_recommends_them(optimized, tmp_path):
    source = networks.conv_net(tmp_path / "model.onnx")
    first = next(iter(networks.images().iterate(40)))
    np.savez(tmp_path / "rows.npz", **first)
    result = optimized(
        source, Pass.CONVERT, Pass.FP16, Pass.STATIC_INT8, rows=tmp_path / "rows.npz"
    )
    for one in result.variants:
        assert one.outcome is Outcome.BUILT, one.reason
        assert (one.verdict, one.comparison) == (None, None)
        assert sniff(tmp_path / "out" / one.file.name) is ModelFormat.TENSORRT_ENGINE
        assert "8.6" in one.reason
        assert "has not been run" in one.reason
    assert result.choice.name == SOURCE
    (again,) = optimized(source, Pass.CONVERT, rows=tmp_path / "rows.npz").variants
    # Two builds differ in the numbers that the library gives its inner tensors.
    assert again.file.bytes == pytest.approx(result.variants[0].file.bytes, rel=0.01)


def test_an_open_size_that_no_row_tells_is_refused_in_words(optimized, tmp_path):
    shape = (TensorProto.FLOAT, ["N", "T", 4])
    relu = helper.make_node("Relu", ["x"], ["y"])
    source = networks.save(tmp_path / "model.onnx", [relu], {"x": shape}, {"y": shape}, {})
    (made,) = optimized(source, Pass.CONVERT).variants
    assert (made.outcome, made.code) == (Outcome.SKIPPED, "OPEN_DIMENSIONS")
