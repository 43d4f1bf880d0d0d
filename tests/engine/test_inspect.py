"""What an ONNX model is told to be, and the rule, the node and the remedy when it is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal, Inspection
from domain.model_format import ModelFormat
from domain.signature import TensorSpec
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.onnx.inspect import inspect_onnx
from infrastructure.engine.sandbox import Sandbox

Change = Callable[[onnx.ModelProto], object]


def tensor(
    name: str, shape: Sequence[int | str | None], kind: int = TensorProto.FLOAT
) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def linear() -> onnx.ModelProto:
    """x[n, 4] → Gemm with 4×3 + 3 weights → Relu → y[n, 3]; the bias is an input with a default,
    as exporters wrote it before IR version 4."""
    weight = numpy_helper.from_array(np.ones((4, 3), dtype=np.float32), "w")
    bias = numpy_helper.from_array(np.zeros(3, dtype=np.float32), "b")
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="gemm"),
        helper.make_node("Relu", ["h"], ["y"], name="relu"),
    ]
    inputs, outputs = [tensor("x", ["n", 4]), tensor("b", [3])], [tensor("y", ["n", 3])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [weight, bias])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def saved(tmp_path: Path, model: onnx.ModelProto) -> Path:
    file = tmp_path / "model.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def inspected(tmp_path: Path, file: Path) -> Inspection:
    return SandboxedModelInspector(Sandbox(), tmp_path).inspect(file)


def test_a_signature_is_read_in_the_sandbox(tmp_path: Path) -> None:
    found = inspected(tmp_path, saved(tmp_path, linear()))
    assert found.format is ModelFormat.ONNX
    assert found.isolation == Sandbox().isolation
    assert found.signature is not None
    assert found.signature.inputs == (TensorSpec("x", "float32", ("n", 4)),)
    assert found.signature.outputs == (TensorSpec("y", "float32", ("n", 3)),)
    assert (found.signature.parameters, found.signature.opset) == (15, 17)
    assert found.signature.operators == {"Gemm": 1, "Relu": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_an_upload_that_only_we_may_read_can_be_inspected_at_every_level(tmp_path: Path) -> None:
    file = saved(tmp_path, linear())
    file.chmod(0o600)
    for level in Isolation:
        try:
            Sandbox(isolation=level).run("ping", {}, tmp_path)
        except EngineCrashed:
            continue
        found = SandboxedModelInspector(Sandbox(isolation=level), tmp_path).inspect(file)
        assert found.isolation == level


def test_unknown_dimensions_are_told_as_such(tmp_path: Path) -> None:
    model = linear()
    model.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    signature = inspect_onnx(saved(tmp_path, model))["signature"]
    assert signature["inputs"][0]["shape"] == ["?", 4]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TensorProto.INT64, "int64"),
        (TensorProto.FLOAT16, "float16"),
        (TensorProto.DOUBLE, "float64"),
        (TensorProto.BOOL, "bool"),
        (TensorProto.UINT8, "uint8"),
        (TensorProto.STRING, "string"),
    ],
)
def test_types_have_the_names_of_numpy(tmp_path: Path, kind: int, name: str) -> None:
    node = helper.make_node("Identity", ["x"], ["y"], name="id")
    graph = helper.make_graph([node], "g", [tensor("x", [2], kind)], [tensor("y", [2], kind)])
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    signature = inspect_onnx(saved(tmp_path, model))["signature"]
    assert (signature["inputs"][0]["dtype"], signature["outputs"][0]["dtype"]) == (name, name)


def external(place: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        weight = model.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=place)

    return change


def external_in_a_constant(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], name="hidden", value=model.graph.initializer[0])
    held = node.attribute[0].t
    held.name = "c"
    external("../../etc/passwd")(model)
    held.CopyFrom(model.graph.initializer[0])
    model.graph.initializer[0].CopyFrom(linear().graph.initializer[0])
    model.graph.node.insert(0, node)


def cyclic(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Add", ["p", "x"], ["q"], name="one"))
    model.graph.node.insert(1, helper.make_node("Add", ["q", "x"], ["p"], name="two"))


def repeated(model: onnx.ModelProto) -> None:
    model.graph.node.add().CopyFrom(model.graph.node[1])


def too_wide(model: onnx.ModelProto) -> None:
    for dimension in model.graph.input[0].type.tensor_type.shape.dim:
        dimension.dim_value = 2**40


def too_short(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**40


def renamed(operator: str, domain: str = "") -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].op_type, model.graph.node[1].domain = operator, domain

    return change


def with_opset(version: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return change


REFUSED: list[tuple[str, str, Change]] = [
    ("EXTERNAL_DATA", "'weights.bin'", external("weights.bin")),
    ("EXTERNAL_DATA", "'../../etc/passwd'", external("../../etc/passwd")),
    ("EXTERNAL_DATA", "'/etc/passwd'", external("/etc/passwd")),
    ("EXTERNAL_DATA", "passwd", external_in_a_constant),
    ("UNKNOWN_OPERATOR", "“relu” uses the operator Frobnicate", renamed("Frobnicate")),
    ("UNKNOWN_OPERATOR", "“com.example”", renamed("Relu", "com.example")),
    ("UNKNOWN_OPERATOR", "opset 17", renamed("Gelu")),
    ("UNKNOWN_OPSET", "opset 999", with_opset(999)),
    ("UNKNOWN_OPSET", "opset 0", with_opset(0)),
    ("NO_OUTPUTS", "no outputs", lambda model: model.graph.ClearField("output")),
    ("INVALID_MODEL", "one", cyclic),
    ("INVALID_MODEL", "'y'", repeated),
    ("INVALID_MODEL", "w", too_short),
    ("TOO_LARGE", "“x”", too_wide),
]


@pytest.mark.parametrize(("code", "word", "change"), REFUSED)
def test_a_model_is_refused_by_rule_and_by_name(
    tmp_path: Path, code: str, word: str, change: Change
) -> None:
    model = linear()
    change(model)
    with pytest.raises(EngineRefusal) as caught:
        inspect_onnx(saved(tmp_path, model))
    assert caught.value.code == code
    assert word in caught.value.message
    assert caught.value.remedy
    assert caught.value.field == "uploadId"


def test_too_many_nodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.engine.onnx.check.MOST_NODES", 1)
    with pytest.raises(EngineRefusal, match="2 nodes"):
        inspect_onnx(saved(tmp_path, linear()))


@pytest.mark.parametrize("content", [b"", b"\x08\x07", b"not a model" * 50, bytes(200)])
def test_what_is_no_model_is_refused_through_the_sandbox(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(EngineRefusal) as caught:
        inspected(tmp_path, file)
    assert caught.value.code == "NOT_A_MODEL"


def test_a_model_that_unfolds_without_end_hits_the_memory_limit_and_not_us(
    tmp_path: Path,
) -> None:
    """16 GiB out of a 200-byte file, when ONNX Runtime folds constants."""
    shape = numpy_helper.from_array(np.array([2**16, 2**16]), "s")
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["c"], name="bomb"),
        helper.make_node("ReduceSum", ["c"], ["t"], name="sum", keepdims=0),
        helper.make_node("Add", ["x", "t"], ["y"], name="add"),
    ]
    graph = helper.make_graph(nodes, "g", [tensor("x", [2])], [tensor("y", [2])], [shape])
    opsets = [helper.make_opsetid("", 17)]
    file = saved(tmp_path, helper.make_model(graph, opset_imports=opsets, ir_version=8))
    inspector = SandboxedModelInspector(Sandbox(), tmp_path, memory_bytes=1 << 30)
    outcome = "taken"  # by a runtime that does not fold it
    try:
        inspector.inspect(file)
    except EngineCrashed as crash:
        outcome = crash.kind
    except EngineRefusal as refusal:
        outcome = refusal.code
    assert outcome in {"taken", CrashKind.MEMORY, "NOT_RUNNABLE"}
