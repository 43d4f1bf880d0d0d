"""ONNX becomes TFLite in the toolchain's environment, and is quantized there, sandboxed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass, VariantResult
from infrastructure.engine.optimizer import SandboxedOptimizer
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("onnx2tf")
Optimized = Callable[..., dict[str, VariantResult]]


@pytest.fixture
def optimized(
    toolchain: Callable[[str], Path], optimizer: SandboxedOptimizer, tmp_path: Path
) -> Optimized:
    toolchain("onnx2tf")

    def run(source: Path, data: Path | None, *passes: Pass) -> dict[str, VariantResult]:
        spec = OptimizationSpec(passes=passes, target=ModelFormat.TFLITE, max_drop=0.05)
        into = tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        found = optimizer.optimize(source, spec, data, data, into, Remembering())
        return {one.name: one for one in found.variants}

    return run


def convolution(file: Path, shape: list[int | str]) -> Path:
    """Images in, images out, channels first, under names that other formats do not allow."""
    weights = np.random.default_rng(3).standard_normal((8, 3, 3, 3)).astype(np.float32)
    conv = helper.make_node("Conv", ["in::x", "w"], ["c"], pads=[1, 1, 1, 1])
    relu = helper.make_node("Relu", ["c"], ["out::y"])
    graph = helper.make_graph(
        [conv, relu],
        "g",
        [helper.make_tensor_value_info("in::x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out::y", TensorProto.FLOAT, [shape[0], 8, *shape[2:]])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), file)
    return file


def images(file: Path) -> Path:
    random = np.random.default_rng(4)
    np.savez(file, **{"in::x": random.standard_normal((16, 3, 12, 10)).astype(np.float32)})
    return file


def test_inputs_and_outputs_keep_layout_and_name_and_the_passes_of_tflite_follow(
    optimized, tmp_path
):
    source, data = convolution(tmp_path / "s.onnx", ["n", 3, 12, 10]), images(tmp_path / "d.npz")
    told = optimized(source, data, Pass.CONVERT, Pass.DYNAMIC_INT8, Pass.STATIC_INT8)
    assert {one.outcome for one in told.values()} == {Outcome.MADE}, told
    (parity,) = told["tflite"].comparison.outputs
    assert (parity.name, parity.max_abs_error < 1e-4) == ("out::y", True)
    again = optimized(source, data, Pass.CONVERT)
    assert again["tflite"].file.sha256 == told["tflite"].file.sha256


def test_an_open_size_is_taken_from_the_data_and_without_any_the_pass_says_what_it_needs(
    optimized, tmp_path
):
    source = convolution(tmp_path / "s.onnx", ["n", 3, "h", "w"])
    bare = optimized(source, None, Pass.CONVERT)["tflite"]
    assert (bare.outcome, bare.code) == (Outcome.SKIPPED, "OPEN_SHAPE")
    assert "calibration dataset" in bare.reason
    filled = optimized(source, images(tmp_path / "d.npz"), Pass.CONVERT)["tflite"]
    assert filled.outcome is Outcome.MADE, filled
