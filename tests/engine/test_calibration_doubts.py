"""Calibration data that does not look like what the model expects is said, with numbers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from domain.optimization import OptimizationSpec, Pass
from domain.verdict import NoteCode
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.ranges.doubts import doubts
from infrastructure.engine.ranges.first_layers import first_layers
from infrastructure.engine.sandbox import Sandbox
from tests.engine.networks import InMemoryRows
from tests.engine.tflite import dense_net
from tests.engine.watching import Remembering

RANDOM = np.random.default_rng(2)
FRACTIONS = RANDOM.uniform(0, 1, (120, 3, 8, 8)).astype(np.float32)


def conv_net(path: Path) -> Path:
    """Its first layer's biases are of the size of what fractions from 0 to 1 give."""
    kernel = RANDOM.normal(0, 0.3, (16, 3, 3, 3)).astype(np.float32)
    tensors = {
        "w": kernel,
        "b": -kernel.reshape(16, -1).sum(axis=1) / 2 + 0.3,
        "head": RANDOM.normal(0, 0.3, (16, 10)),
    }
    nodes = [
        helper.make_node("Transpose", ["rows"], ["image"], perm=[0, 1, 2, 3]),
        helper.make_node("Conv", ["image", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "head"], ["scores"]),
    ]
    stored = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in tensors.items()]
    ends = [("rows", ["N", 3, 8, 8]), ("scores", ["N", 10])]
    given, told = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends)
    graph = helper.make_graph(nodes, "net", [given], [told], stored)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def told(model: Path, rows: np.ndarray, evaluation: np.ndarray | None = None) -> tuple[str, ...]:
    later = None if evaluation is None else InMemoryRows(rows=evaluation)
    return doubts(first_layers(model), InMemoryRows(rows=rows), later, 512)


def test_data_as_the_model_was_trained_on_raises_no_doubt(tmp_path):
    assert told(conv_net(tmp_path / "m.onnx"), FRACTIONS, FRACTIONS * 0.9) == ()


def test_bytes_where_the_model_wants_fractions_are_too_large(tmp_path):
    (doubt,) = told(conv_net(tmp_path / "m.onnx"), FRACTIONS * 255)
    assert "to 255 with" in doubt or "to 254." in doubt
    assert "too large" in doubt
    assert "scaled as in training" in doubt


def test_fractions_of_fractions_are_too_small(tmp_path):
    (doubt,) = told(conv_net(tmp_path / "m.onnx"), FRACTIONS / 255)
    assert "too small" in doubt


def test_an_array_that_never_changes_shows_no_range(tmp_path):
    found = told(conv_net(tmp_path / "m.onnx"), np.full_like(FRACTIONS, 0.5))
    assert any("0.5 throughout" in one for one in found)


def test_calibration_and_evaluation_data_in_different_units_are_told_with_their_ranges(tmp_path):
    model = conv_net(tmp_path / "m.onnx")
    found = told(model, FRACTIONS, FRACTIONS * 255)
    assert any("Prepare both in the same way" in one for one in found)


def test_an_array_for_no_input_says_nothing_of_the_first_layer(tmp_path):
    layers = first_layers(conv_net(tmp_path / "m.onnx"))
    both = InMemoryRows(rows=FRACTIONS, other=FRACTIONS * 255)
    assert doubts(layers, both, None, 512) == ()


def test_the_first_layer_of_a_tflite_model_is_read_too(tmp_path):
    (layer,) = first_layers(dense_net(tmp_path / "m.tflite"))
    assert layer.input == "x"
    assert len(layer.norms) == 128


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0), (255.0, 1)])
def test_the_verdict_of_a_calibrated_variant_carries_the_note(
    tmp_path: Path, sandbox: Sandbox, factor: float, expected: int
):
    model, data = conv_net(tmp_path / "m.onnx"), tmp_path / "data.npz"
    np.savez(data, rows=(FRACTIONS * factor).astype(np.float32))
    spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), max_drop=1.0)
    found = SandboxedOptimizer(sandbox).optimize(
        model, spec, data, None, tmp_path / "made", Remembering()
    )
    (variant,) = found.variants
    assert variant.verdict is not None
    notes = [one for one in variant.verdict.notes if one.code is NoteCode.CALIBRATION_RANGE]
    assert len(notes) == expected
