"""What ONNX Runtime's quantizers get wrong as it comes: odd biases of Gemm, weights that are no
matrices or are shared, weights read within an If; and an output that FP16's converter cannot do."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import dynamic_int8, fp16, static_int8
from tests.engine import networks

FLOAT = TensorProto.FLOAT
SPEC = OptimizationSpec()
NEAR = 0.999


class Silent:
    def tick(self, percent: float, message: str) -> None: ...


def random(*shape: int) -> NDArray[np.float32]:
    made = np.random.default_rng([7, *shape]).standard_normal(shape)
    return np.asarray(made, np.float32)


def near(one: ModuleType, source: Path, rows: networks.InMemoryRows, per_channel: bool) -> float:
    """The cosine of the first output of what the pass makes, on the first four rows."""
    target = source.with_name("made.onnx")
    one.apply(source, target, replace(SPEC, per_channel=per_channel), rows, Silent())
    feed = next(iter(rows.iterate(4)))
    was, is_now = (
        ort.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(None, feed)[0]
        for file in (source, target)
    )
    assert was.shape == is_now.shape
    return float((was * is_now).sum() / (np.linalg.norm(was) * np.linalg.norm(is_now)))


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("one", [static_int8, dynamic_int8])
@pytest.mark.parametrize("shape", [(5,), (1, 5), (1,), (), (1, 1), (4, 5), (4, 1)])
def test_a_gemm_keeps_its_bias_whatever_shape_that_has(shape, one, per_channel, tmp_path):
    source = networks.save(
        tmp_path / "source.onnx",
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        {"x": (FLOAT, [4, 8])},
        {"y": (FLOAT, [4, 5])},
        {"w": random(8, 5), "b": np.asarray(3 * random(*shape), np.float32)},
    )
    assert near(one, source, networks.InMemoryRows(x=random(40, 8)), per_channel) > NEAR


def test_a_gemm_keeps_its_beta_though_the_quantizer_drops_it(tmp_path):
    source = networks.save(
        tmp_path / "source.onnx",
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], beta=0.25)],
        {"x": (FLOAT, ["n", 8])},
        {"y": (FLOAT, ["n", 5])},
        {"w": random(8, 5), "b": 9 * random(5)},
    )
    assert near(static_int8, source, networks.InMemoryRows(x=random(40, 8)), True) > NEAR


def test_a_bias_that_others_read_stays_as_it_is_for_them(tmp_path):
    source = networks.save(
        tmp_path / "source.onnx",
        [
            helper.make_node("Gemm", ["x", "w", "b"], ["m"], beta=0.5),
            helper.make_node("Mul", ["m", "b"], ["y"]),
        ],
        {"x": (FLOAT, ["n", 8])},
        {"y": (FLOAT, ["n", 5])},
        {"w": random(8, 5), "b": 3 * random(1, 5)},
    )
    assert near(static_int8, source, networks.InMemoryRows(x=random(40, 8)), True) > NEAR


@pytest.mark.parametrize("one", [static_int8, dynamic_int8])
@pytest.mark.parametrize(
    ("weight", "gives"), [((8,), [4, 3]), ((1, 8, 5), [4, 3, 5]), ((4, 8, 5), [4, 3, 5])]
)
def test_weights_that_are_no_matrices_are_quantized_per_tensor_and_it_says_so(
    weight, gives, one, tmp_path
):
    source = networks.save(
        tmp_path / "source.onnx",
        [
            helper.make_node("MatMul", ["x", "w0"], ["m"]),
            helper.make_node("MatMul", ["m", "w"], ["y"]),
        ],
        {"x": (FLOAT, [4, 3, 8])},
        {"y": (FLOAT, gives)},
        {"w0": random(8, 8), "w": random(*weight)},
    )
    rows = networks.InMemoryRows(x=random(40, 3, 8))
    assert near(one, source, rows, per_channel=True) > NEAR
    said = one.apply(source, tmp_path / "again.onnx", SPEC, rows, Silent())
    assert "per channel (1 that are no matrices per tensor)" in said


def test_two_gemms_may_share_a_transposed_weight(tmp_path):
    source = networks.save(
        tmp_path / "source.onnx",
        [
            helper.make_node("Gemm", ["x", "w"], ["m"], transB=1),
            helper.make_node("Gemm", ["m", "w"], ["y"], transB=1),
        ],
        {"x": (FLOAT, ["n", 8])},
        {"y": (FLOAT, ["n", 8])},
        {"w": random(8, 8)},
    )
    assert near(dynamic_int8, source, networks.InMemoryRows(x=random(40, 8)), True) > NEAR


def branching(path: Path) -> Path:
    """A Gemm in each branch of an If, with weights of the main graph, whose shapes are noted."""

    def branch(name: str) -> onnx.GraphProto:
        gemm = helper.make_node("Gemm", ["x", name], [f"{name}/y"], transB=1)
        gives = helper.make_tensor_value_info(f"{name}/y", FLOAT, ["n", 5])
        return helper.make_graph([gemm], name, [], [gives])

    branches = {"then_branch": branch("w"), "else_branch": branch("v")}
    zero = np.zeros((), np.float32)
    networks.save(
        path,
        [
            helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
            helper.make_node("Greater", ["sum", "zero"], ["positive"]),
            helper.make_node("If", ["positive"], ["y"], **branches),
        ],
        {"x": (FLOAT, ["n", 8])},
        {"y": (FLOAT, ["n", 5])},
        {"w": random(5, 8), "v": 2 * random(5, 8), "zero": zero},
    )
    model = onnx.load(path)
    shapes = [helper.make_tensor_value_info(name, FLOAT, [5, 8]) for name in ("w", "v")]
    model.graph.value_info.extend(shapes)
    onnx.save(model, path)
    return path


def test_weights_that_are_read_within_an_if_are_quantized_too(tmp_path):
    source = branching(tmp_path / "source.onnx")
    assert near(dynamic_int8, source, networks.InMemoryRows(x=random(40, 8)), True) > NEAR
    made = onnx_graph.operators(onnx.load(tmp_path / "made.onnx"))
    assert made["MatMulInteger"] == 2


def test_fp16_does_a_model_that_reads_its_own_output(tmp_path):
    source = networks.save(
        tmp_path / "source.onnx",
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("Relu", ["y"], ["r"]),
            helper.make_node("MatMul", ["r", "v"], ["z"]),
        ],
        {"x": (FLOAT, ["n", 8])},
        {"y": (FLOAT, ["n", 6]), "z": (FLOAT, ["n", 4])},
        {"w": random(8, 6), "v": random(6, 4)},
    )
    assert near(fp16, source, networks.InMemoryRows(x=random(40, 8)), True) > NEAR
