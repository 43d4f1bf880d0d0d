"""What people upload by mistake or in spite, from end to end: made with parity, left out with a
reason, or refused by name; never a crash and never a wrong success."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from application.ports.engine import EngineRefusal
from domain.optimization import OptimizationResult, OptimizationSpec, Outcome, Pass
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from tests.engine import models
from tests.engine.models import INT64, constant, model_of, value
from tests.engine.tflite import dense_net
from tests.engine.watching import Remembering

PASSES = (Pass.GRAPH, Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8)
RANDOM = np.random.default_rng(3)


def weights(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(np.float32)


def dense(x: str, name: str, size: int = 16) -> tuple[onnx.NodeProto, onnx.TensorProto]:
    node = helper.make_node("MatMul", [x, f"{name}_w"], [name], name=name)
    return node, constant(f"{name}_w", weights(size, size))


def optimized(
    sandbox: Sandbox,
    folder: Path,
    model: onnx.ModelProto | Path,
    data: dict[str, Any] | None = None,
    passes: Sequence[Pass] = PASSES,
) -> OptimizationResult:
    """Inspected as an upload, then optimized with the data as calibration and evaluation."""
    source = models.saved(model, folder) if isinstance(model, onnx.ModelProto) else model
    SandboxedModelInspector(sandbox, folder).inspect(source)
    given = None
    if data is not None:
        given = folder / "data.npz"
        np.savez(given, **data)
    spec = OptimizationSpec(passes=tuple(passes), max_drop=0.1)
    into = folder / "made"
    found = SandboxedOptimizer(sandbox).optimize(source, spec, given, given, into, Remembering())
    for one in found.variants:
        assert one.reason
        if one.outcome is Outcome.MADE:
            assert one.verdict is not None
        else:
            assert one.code
    return found


def outcomes(found: OptimizationResult) -> dict[str, str]:
    return {one.name: one.code or one.outcome for one in found.variants}


def branch(name: str, size: int = 16) -> tuple[onnx.GraphProto, onnx.TensorProto]:
    node, weight = dense("x", name, size)
    return helper.make_graph([node], name, [], [value(name, ["n", size])]), weight


def with_if() -> onnx.ModelProto:
    """x and a flag; one of two MatMuls."""
    (yes, first), (no, second) = branch("yes"), branch("no")
    node = helper.make_node("If", ["flag"], ["y"], name="if", then_branch=yes, else_branch=no)
    inputs = [value("x", ["n", 16]), value("flag", [], TensorProto.BOOL)]
    return model_of([node], inputs, [value("y", ["n", 16])], [first, second])


def with_loop() -> onnx.ModelProto:
    """x · w, three times over."""
    node, weight = dense("state", "next")
    same = helper.make_node("Identity", ["go"], ["going"])
    body = helper.make_graph(
        [node, same],
        "body",
        [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("state", ["n", 16])],
        [value("going", [], TensorProto.BOOL), value("next", ["n", 16])],
    )
    loop = helper.make_node("Loop", ["times", "", "x"], ["y"], name="loop", body=body)
    times = constant("times", np.array(3))
    return model_of([loop], [value("x", ["n", 16])], [value("y", ["n", 16])], [weight, times])


def with_scan() -> onnx.ModelProto:
    """A running sum over the rows, then · w."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["sum", "row"], ["more"]),
            helper.make_node("Identity", ["more"], ["out"]),
        ],
        "body",
        [value("sum", [16]), value("row", [16])],
        [value("more", [16]), value("out", [16])],
    )
    scan = helper.make_node(
        "Scan", ["zero", "x"], ["last", "sums"], name="scan", body=body, num_scan_inputs=1
    )
    node, weight = dense("sums", "y")
    zero = constant("zero", np.zeros(16, np.float32))
    return model_of([scan, node], [value("x", ["n", 16])], [value("y", ["n", 16])], [weight, zero])


@pytest.mark.parametrize("make", [with_if, with_loop, with_scan])
def test_control_flow_keeps_its_meaning_in_every_variant(
    tmp_path: Path, sandbox: Sandbox, make: Any
) -> None:
    model = make()
    data: dict[str, Any] = {"x": weights(12, 1, 16)}
    if make is with_if:
        data["flag"] = np.arange(12) % 2 == 0
    found = optimized(sandbox, tmp_path, model, data)
    for one in found.variants:
        if one.outcome is Outcome.MADE:
            assert one.verdict is not None
            assert one.verdict.passed, (one.name, one.reason)
        else:
            assert one.outcome is Outcome.SKIPPED, (one.name, one.code, one.reason)


def test_open_shapes_without_a_hint_are_fed_with_a_size_that_runs(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """Only 16 columns run, and the model does not say so."""
    node, weight = dense("x", "y")
    model = model_of([node], [value("x", ["n", "m"])], [value("y", ["n", 16])], [weight])
    found = optimized(sandbox, tmp_path, model, passes=(Pass.FP16, Pass.DYNAMIC_INT8))
    assert outcomes(found) == {"fp16": "MADE", "dynamic_int8": "MADE"}


def test_open_shapes_that_no_guess_fits_ask_for_a_dataset(tmp_path: Path, sandbox: Sandbox) -> None:
    node, weight = dense("x", "y", 37)
    model = model_of([node], [value("x", ["n", "m"])], [value("y", ["n", 37])], [weight])
    with pytest.raises(EngineRefusal, match="Give a dataset") as caught:
        optimized(sandbox, tmp_path, model, passes=(Pass.DYNAMIC_INT8,))
    assert (caught.value.code, caught.value.field) == ("CANNOT_FEED", "evaluation")


def test_a_zero_size_tensor_has_nothing_to_compare_and_is_said_so(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    node, weight = dense("x", "y")
    empty = constant("none", np.zeros((0, 16), np.float32))
    both = helper.make_node("Concat", ["y", "none"], ["z"], name="both", axis=0)
    model = model_of(
        [node, both], [value("x", ["n", 16])], [value("z", ["m", 16])], [weight, empty]
    )
    found = optimized(sandbox, tmp_path, model, {"x": weights(8, 1, 16)})
    assert outcomes(found)["fp16"] == "MADE"


def test_several_inputs_are_fed_by_name_and_a_missing_one_is_named(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    (first, w), (second, v) = dense("a", "p"), dense("b", "q")
    add = helper.make_node("Add", ["p", "q"], ["y"], name="add")
    inputs = [value("a", ["n", 16]), value("b", ["n", 16])]
    model = model_of([first, second, add], inputs, [value("y", ["n", 16])], [w, v])
    rows = {"b": weights(20, 16), "a": weights(20, 16)}
    found = optimized(sandbox, tmp_path, model, rows)
    assert outcomes(found) | {"graph": ""} == {
        "graph": "", "fp16": "MADE", "dynamic_int8": "MADE", "static_int8": "MADE",
    }  # fmt: skip
    with pytest.raises(EngineRefusal, match="“b” has no array") as caught:
        optimized(sandbox, tmp_path, model, {"a": rows["a"]})
    assert caught.value.field == "calibration"


def test_text_inputs_are_taken_and_what_cannot_be_proven_is_refused(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    node = helper.make_node("Identity", ["x"], ["y"], name="same")
    texts = [value(name, ["n"], TensorProto.STRING) for name in "xy"]
    model = model_of([node], texts[:1], texts[1:], [])
    found = SandboxedModelInspector(sandbox, tmp_path).inspect(models.saved(model, tmp_path))
    assert "cannot be made up" in found.warnings[0]
    result = optimized(sandbox, tmp_path, model, passes=(Pass.FP16, Pass.DYNAMIC_INT8))
    assert set(outcomes(result).values()) == {"NO_FP32_WEIGHTS", "NO_MATMUL_OR_GEMM"}


def test_a_model_that_is_quantized_already_is_not_quantized_again_in_silence(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rows = {"image": models.digits().train[:64]}
    first = optimized(sandbox, tmp_path, models.digits().model, rows, (Pass.STATIC_INT8,))
    assert outcomes(first) == {"static_int8": "MADE"}
    again = tmp_path / "again"
    again.mkdir()
    small = tmp_path / "made" / "static_int8.onnx"
    found = optimized(sandbox, again, small, rows, (Pass.STATIC_INT8, Pass.DYNAMIC_INT8))
    assert {one.outcome for one in found.variants} == {Outcome.SKIPPED}, outcomes(found)


def test_weights_in_fp16_and_inputs_of_int64_go_through(tmp_path: Path, sandbox: Sandbox) -> None:
    half = models.embedding()
    half.graph.initializer[0].CopyFrom(constant("table", weights(100, 16).astype(np.float16)))
    half.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    found = optimized(sandbox, tmp_path, half, passes=(Pass.FP16, Pass.DYNAMIC_INT8))
    assert set(outcomes(found).values()) == {"NO_FP32_WEIGHTS", "NO_MATMUL_OR_GEMM"}
    (tmp_path / "float").mkdir()
    ids = {"ids": RANDOM.integers(0, 100, (40, 8))}
    found = optimized(sandbox, tmp_path / "float", models.embedding(), ids, (Pass.FP16,))
    assert outcomes(found) == {"fp16": "MADE"}


@pytest.mark.parametrize("opset", [7, 26])
def test_the_oldest_and_the_newest_opset_go_through(
    tmp_path: Path, sandbox: Sandbox, opset: int
) -> None:
    found = optimized(sandbox, tmp_path, models.matmul(opset=opset), {"x": weights(120, 64)})
    known = outcomes(found)
    assert known["fp16"] == known["dynamic_int8"] == known["static_int8"] == "MADE"
    for one in found.variants:
        assert one.verdict is None or one.verdict.passed


def test_an_opset_and_an_ir_of_tomorrow_are_refused_with_what_to_set(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    model = models.matmul()
    model.ir_version = 14
    with pytest.raises(EngineRefusal, match="IR version") as caught:
        optimized(sandbox, tmp_path, model)
    assert "ir_version" in caught.value.remedy


def test_a_custom_operator_is_refused_by_its_node(tmp_path: Path, sandbox: Sandbox) -> None:
    node = helper.make_node("Swirl", ["x"], ["y"], name="swirl", domain="com.example")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    model = model_of([node], [value("x", [4])], [value("y", [4])], [], opsets=opsets)
    with pytest.raises(EngineRefusal, match="“swirl” uses the operator Swirl") as caught:
        optimized(sandbox, tmp_path, model)
    assert caught.value.remedy


def test_wild_offsets_in_a_flatbuffer_are_refused_before_any_pass(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    good = dense_net(tmp_path / "good.tflite").read_bytes()
    for place in (0, 20, 24, 28, 40, 60, 100):
        wild = bytearray(good)
        wild[place : place + 4] = (0x7FFFFFF0).to_bytes(4, "little")
        if wild[4:8] != b"TFL3":
            continue
        file = tmp_path / "wild.tflite"
        file.write_bytes(wild)
        with suppress(EngineRefusal):  # and not EngineCrashed
            optimized(sandbox, tmp_path, file, passes=(Pass.FP16,))
