"""Golden files: the reference's own answers, made in the sandbox, judged as a device judges."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from application.ports.engine import EngineRefusal, ModelFile
from domain.model_format import ModelFormat
from domain.parity import InputsUsed
from edge.inference.runtimes import load
from edge.update.golden import agrees, read
from infrastructure.engine.golden import SandboxedGoldenMaker
from infrastructure.engine.sandbox import Sandbox
from tests.engine import models


@pytest.fixture
def maker(sandbox: Sandbox, tmp_path: Path) -> SandboxedGoldenMaker:
    return SandboxedGoldenMaker(sandbox, tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return models.saved(models.matmul(4, 3), tmp_path, "reference.onnx")


def onnx(path: Path) -> ModelFile:
    return ModelFile(path, ModelFormat.ONNX)


def name_of(model: Path) -> str:
    import onnxruntime

    name: str = onnxruntime.InferenceSession(model).get_inputs()[0].name
    return name


def answers(model: Path, golden: Path) -> list[dict[str, Any]]:
    runtime = load(model, "ONNX", 1)
    return [runtime.run(one.inputs) for one in read(golden)]


def test_without_data_the_inputs_are_random_and_the_same_each_time(
    maker: SandboxedGoldenMaker, model: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    found = maker.golden(onnx(model), None, 8, one)
    maker.golden(onnx(model), None, 8, other)
    assert (found.samples, found.inputs) == (8, InputsUsed.SYNTHETIC)
    assert one.read_bytes() == other.read_bytes()
    assert len(read(one)) == 8


def test_the_rows_of_a_dataset_are_the_inputs(
    maker: SandboxedGoldenMaker, model: Path, tmp_path: Path
) -> None:
    data, golden = tmp_path / "data.npz", tmp_path / "golden.npz"
    rows = np.arange(40, dtype=np.float32).reshape(10, 4)
    np.savez(data, rows=rows, labels=np.arange(10))
    found = maker.golden(onnx(model), data, 3, golden)
    assert (found.samples, found.inputs) == (3, InputsUsed.DATASET)
    given = [one.inputs[name_of(model)] for one in read(golden)]
    assert np.array_equal(np.concatenate(given), rows[:3])


def test_the_reference_agrees_with_itself_on_a_device_and_another_model_does_not(
    maker: SandboxedGoldenMaker, model: Path, tmp_path: Path
) -> None:
    golden = tmp_path / "golden.npz"
    maker.golden(onnx(model), None, 8, golden)
    assert agrees(answers(model, golden), read(golden), 0.999).problem is None
    other = models.matmul(4, 3)
    weights = other.graph.initializer[0]
    flat = np.frombuffer(weights.raw_data, np.float32)
    weights.raw_data = (-flat).astype(np.float32).tobytes()
    wrong = models.saved(other, tmp_path, "wrong.onnx")
    found = agrees(answers(wrong, golden), read(golden), 0.98)
    assert found.agree == 0
    assert found.problem is not None


def test_a_reference_that_does_not_load_is_refused(
    maker: SandboxedGoldenMaker, tmp_path: Path
) -> None:
    broken = helper.make_graph(
        [helper.make_node("NoSuchOperator", ["x"], ["y"])],
        "broken",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
    )
    path = models.saved(helper.make_model(broken), tmp_path, "broken.onnx")
    with pytest.raises(EngineRefusal, match="does not load it") as refused:
        maker.golden(onnx(path), None, 8, tmp_path / "golden.npz")
    assert refused.value.field == "referenceId"
    assert not (tmp_path / "golden.npz").exists()


def test_a_reference_that_answers_with_no_numbers_is_refused(
    maker: SandboxedGoldenMaker, tmp_path: Path
) -> None:
    graph = helper.make_graph(
        [helper.make_node("Log", ["x"], ["y"])],
        "logarithm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
    )
    opset = [helper.make_opsetid("", 17)]
    path = models.saved(
        helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path, "log.onnx"
    )
    with pytest.raises(EngineRefusal, match="has NaN or infinity"):
        maker.golden(onnx(path), None, 8, tmp_path / "golden.npz")
