"""The passes below eight bits, and eight-bit floats: what they make runs, and is what they say."""

from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from domain.optimization_spec import OptimizationSpec, Pass
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import blocks, fp8, int4, mixed_int4
from infrastructure.engine.pass_contract import PassSkipped, Rows
from tests.engine import networks
from tests.engine.models import constant, model_of, saved, value
from tests.engine.test_passes import Ticks, agreement, applied, operators, outputs

NARROW = (int4, mixed_int4, fp8)
IDS = networks.InMemoryRows(ids=np.random.default_rng(1).integers(0, 500, (40, 12)))


def spec(made_by: Pass, **settings: object) -> OptimizationSpec:
    return OptimizationSpec(passes=(made_by,), **settings)


def test_int4_keeps_matrices_in_an_eighth_of_their_bytes_and_agrees(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    made, said = applied(int4, source)
    assert operators(made)["com.microsoft:MatMulNBits"] == 2
    assert made.stat().st_size < 0.2 * source.stat().st_size
    assert "2 of 2 nodes have INT4 weights in blocks of 32" in said
    assert agreement(source, made, networks.features()) >= 0.9


def test_int4_keeps_an_embedding_in_blocks_and_converts_the_opset_for_it(tmp_path):
    source = networks.embedding(tmp_path / "source.onnx", vocabulary=500)
    made, said = applied(int4, source)
    assert operators(made)["com.microsoft:GatherBlockQuantized"] == 1
    assert onnx_graph.opset(onnx.load(made)) == blocks.TABLE_OPSET
    assert "1 embeddings" in said
    np.testing.assert_allclose(outputs(source, IDS), outputs(made, IDS), atol=0.6)


def test_int4_leaves_convolutions_alone_and_is_skipped_where_there_are_only_those(tmp_path):
    weights = np.ones((4, 3, 3, 3), np.float32)
    model = model_of(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv")],
        [value("x", [1, 3, 8, 8])],
        [value("y", [1, 4, 6, 6])],
        [constant("w", weights)],
    )
    for one in (int4, mixed_int4):
        with pytest.raises(PassSkipped, match="STATIC_INT8"):
            applied(one, saved(model, tmp_path))


@pytest.mark.parametrize(
    "settings",
    [{}, {"alpha": 0.5, "beta": 2.0}, {"transB": 1}, {"transB": 1, "alpha": 3.0, "beta": 0.0}],
)
def test_a_gemm_is_spelled_out_as_the_same_computation(tmp_path, settings):
    random = np.random.default_rng(3)
    shape = (16, 64) if settings.get("transB") else (64, 16)
    model = model_of(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], **settings)],
        [value("x", ["n", 64])],
        [value("y", ["n", 16])],
        [
            constant("w", random.normal(size=shape).astype(np.float32)),
            constant("b", random.normal(size=16).astype(np.float32)),
        ],
    )
    source = saved(model, tmp_path)
    ready, found = blocks.ready(model)
    spelled = saved(ready, tmp_path, "spelled.onnx")
    assert operators(spelled) == Counter(MatMul=1, Add=1)
    assert len(found.products) == 1
    rows = networks.InMemoryRows(x=random.normal(size=(8, 64)).astype(np.float32))
    np.testing.assert_allclose(outputs(source, rows), outputs(spelled, rows), rtol=1e-5, atol=1e-5)


def test_a_gemm_whose_input_is_transposed_stays(tmp_path):
    model = model_of(
        [helper.make_node("Gemm", ["x", "w"], ["y"], name="gemm", transA=1)],
        [value("x", [64, 2])],
        [value("y", [2, 8])],
        [constant("w", np.ones((64, 8), np.float32))],
    )
    with pytest.raises(PassSkipped):
        applied(int4, saved(model, tmp_path))


@pytest.mark.parametrize(("budget", "four"), [(0.0, 0), (1.0, 2)])
def test_mixed_precision_goes_to_int4_as_far_as_the_budget_lets_it(tmp_path, budget, four):
    source = networks.mlp(tmp_path / "source.onnx")
    wanted = spec(Pass.MIXED_INT4, max_drop=budget)
    made, said = applied(mixed_int4, source, networks.features(), wanted)
    bits = [
        helper.get_attribute_value(one)
        for node in onnx.load(made).graph.node
        for one in node.attribute
        if one.name == "bits"
    ]
    assert sorted(bits) == [4] * four + [8] * (2 - four)
    assert f"{four} nodes have INT4 weights and {2 - four} INT8" in said


def test_mixed_precision_gives_the_fewer_bits_to_the_less_sensitive_node(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    model, found = blocks.ready(onnx.load(source))
    rows = networks.features(mixed_int4.PROBES)
    noise = {}
    for name in found.products:
        tried = saved(blocks.in_blocks(model, 4, 32, (name,)), tmp_path, "tried.onnx")
        one, other = outputs(source, rows), outputs(tried, rows)
        noise[name] = float(((one - other) ** 2).sum() / (one**2).sum())
    least = min(noise, key=noise.__getitem__)
    budget = 0.99 * max(noise.values())
    made, _ = applied(mixed_int4, source, rows, spec(Pass.MIXED_INT4, max_drop=budget))
    names = [node.name for node in onnx.load(made).graph.node if node.name.endswith("_Q4")]
    assert names == [f"{least}_Q4"]


def test_fp8_stores_weights_as_e4m3_and_agrees(tmp_path):
    source = networks.conv_net(tmp_path / "source.onnx")
    made, said = applied(fp8, source, networks.images())
    kinds = Counter(one.data_type for one in onnx.load(made).graph.initializer)
    assert kinds[TensorProto.FLOAT8E4M3FN] >= 2
    assert operators(made)["QuantizeLinear"] >= 2
    assert "emulated" in said
    assert agreement(source, made, networks.images()) >= 0.9
    onnx.checker.check_model(str(made), full_check=True)


def test_fp8_without_data_quantizes_weights_alone_and_says_so(tmp_path):
    made, said = applied(fp8, networks.mlp(tmp_path / "source.onnx"))
    assert operators(made)["QuantizeLinear"] == 0
    assert "weights only" in said


def test_fp8_never_overflows_however_large_the_weights_are(tmp_path):
    model = model_of(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul")],
        [value("x", ["n", 8])],
        [value("y", ["n", 8])],
        [constant("w", np.diag(np.float32([1e30, 1, 0, 1e-30, 448, 449, -1e30, 3])))],
    )
    made, _ = applied(fp8, saved(model, tmp_path))
    session = ort.InferenceSession(str(made), providers=["CPUExecutionProvider"])
    (seen,) = session.run(None, {"x": np.ones((1, 8), np.float32)})
    np.testing.assert_allclose(seen[0], [1e30, 1, 0, 0, 448, 449, -1e30, 3], rtol=0.04, atol=1e-9)


@pytest.mark.parametrize("one", NARROW)
def test_a_narrow_pass_is_skipped_without_weights(tmp_path, one):
    with pytest.raises(PassSkipped):
        applied(one, networks.without_weights(tmp_path / "source.onnx"))


@pytest.mark.parametrize("one", NARROW)
def test_a_narrow_pass_makes_the_same_bytes_again_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: ModuleType
):
    monkeypatch.chdir(tmp_path)
    source = networks.mlp(tmp_path / "source.onnx")
    data: Rows = networks.features()
    before = source.read_bytes()
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    for target in (first, second):
        one.apply(source, target, OptimizationSpec(), data, Ticks())
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path).encode() not in first.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {
        "source.onnx", "first.onnx", "second.onnx",
    }  # fmt: skip
    assert source.read_bytes() == before
