"""Each pass on small networks: what it makes runs, is what it says, and is the same every time."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import dynamic_int8, fp16, graph, static_int8
from infrastructure.engine.pass_contract import PassSkipped, Rows
from tests.engine import networks

SPEC = OptimizationSpec()


class Ticks:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.percents: list[float] = []

    def tick(self, percent: float, message: str) -> None:
        self.percents.append(percent)


def applied(
    one: ModuleType, source: Path, data: Rows | None = None, spec: OptimizationSpec = SPEC
) -> tuple[Path, str]:
    target = source.with_name("made.onnx")
    return target, one.apply(source, target, spec, data, Ticks())


def operators(file: Path) -> Counter[str]:
    return Counter(onnx_graph.operators(onnx.load(file)))


def outputs(file: Path, rows: networks.InMemoryRows) -> np.ndarray:
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, feed)[0] for feed in rows.iterate(8)])


def agreement(source: Path, made: Path, rows: networks.InMemoryRows) -> float:
    one, other = outputs(source, rows), outputs(made, rows)
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())


def test_the_graph_pass_removes_what_does_nothing_and_changes_no_value(tmp_path):
    source = networks.clumsy(tmp_path / "source.onnx")
    made, said = applied(graph, source)
    rows = networks.features()
    assert operators(made)["Identity"] == 0
    assert operators(made).total() < operators(source).total()
    assert "5 nodes became" in said
    np.testing.assert_allclose(outputs(source, rows), outputs(made, rows), rtol=1e-5, atol=1e-5)


def test_the_graph_pass_says_so_when_nothing_is_left_to_simplify(tmp_path):
    source = networks.conv_net(tmp_path / "source.onnx")
    with pytest.raises(PassSkipped) as skipped:
        applied(graph, source)
    assert skipped.value.code == "NOTHING_TO_SIMPLIFY"
    assert not (tmp_path / "made.onnx").exists()


def test_a_simplified_graph_is_plain_onnx_that_any_runtime_can_read(tmp_path):
    made, _ = applied(graph, networks.clumsy(tmp_path / "source.onnx"))
    assert {node.domain for node in onnx_graph.nodes(onnx.load(made))} <= {"", "ai.onnx"}


def test_fp16_halves_the_file_and_keeps_the_types_of_inputs_and_outputs(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    made, _ = applied(fp16, source)
    model = onnx.load(made)
    kinds = {one.type.tensor_type.elem_type for one in (*model.graph.input, *model.graph.output)}
    assert kinds == {onnx.TensorProto.FLOAT}
    assert made.stat().st_size < 0.6 * source.stat().st_size
    assert agreement(source, made, networks.features()) == 1.0


def test_fp16_converts_a_network_that_casts_integers_to_floats(tmp_path):
    source = networks.embedding(tmp_path / "source.onnx")
    made, _ = applied(fp16, source)
    rows = networks.InMemoryRows(ids=np.random.default_rng(1).integers(0, 50, (40, 12)))
    np.testing.assert_allclose(outputs(source, rows), outputs(made, rows), atol=2e-2)


def test_fp16_keeps_in_float32_what_would_overflow(tmp_path):
    source = networks.overflowing(tmp_path / "source.onnx")
    made, said = applied(fp16, source, networks.features())
    rows = networks.features()
    assert "2 nodes stay in FP32, whose values are beyond 65,504" in said
    nodes = {node.output[0]: node for node in onnx.load(made).graph.node}
    root = next(node for node in nodes.values() if node.op_type == "Sqrt")
    assert nodes[root.input[0]].op_type == "ReduceSumSquare"
    np.testing.assert_allclose(outputs(source, rows), outputs(made, rows), atol=1e-2)


def test_fp16_is_skipped_without_float_weights(tmp_path):
    with pytest.raises(PassSkipped) as skipped:
        applied(fp16, networks.without_weights(tmp_path / "source.onnx"))
    assert skipped.value.code == "NO_FP32_WEIGHTS"


def test_dynamic_int8_quantizes_matmul_and_gemm_and_leaves_the_rest(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    made, said = applied(dynamic_int8, source)
    assert operators(made)["MatMulInteger"] == 2
    assert made.stat().st_size < 0.4 * source.stat().st_size
    assert "2 of 2" in said
    assert agreement(source, made, networks.features()) >= 0.9


def test_dynamic_int8_leaves_convolutions_alone(tmp_path):
    source = networks.conv_net(tmp_path / "source.onnx")
    made, _ = applied(dynamic_int8, source)
    assert operators(made)["Conv"] == 2
    assert operators(made)["ConvInteger"] == 0


def test_dynamic_int8_is_skipped_without_a_matmul_or_gemm(tmp_path):
    with pytest.raises(PassSkipped) as skipped:
        applied(dynamic_int8, networks.without_weights(tmp_path / "source.onnx"))
    assert skipped.value.code == "NO_MATMUL_OR_GEMM"


def test_static_int8_quantizes_weights_and_activations(tmp_path):
    source = networks.conv_net(tmp_path / "source.onnx")
    made, said = applied(static_int8, source, networks.images())
    assert operators(made)["QuantizeLinear"] > 0
    assert made.stat().st_size < 0.6 * source.stat().st_size
    assert "on 40 rows" in said
    assert agreement(source, made, networks.images()) >= 0.9


def test_static_int8_gives_results_in_full_resolution(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    made, _ = applied(static_int8, source, networks.features())
    makers = {name: node.op_type for node in onnx.load(made).graph.node for name in node.output}
    assert makers["logits"] == "Gemm"


def test_static_int8_takes_a_bias_of_rank_two(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx", wide_bias=True)
    made, _ = applied(static_int8, source, networks.features())
    assert agreement(source, made, networks.features()) >= 0.9


@pytest.mark.parametrize("opset", [9, 11, 12])
def test_an_old_opset_is_converted_so_that_channels_have_scales_of_their_own(tmp_path, opset):
    source = networks.conv_net(tmp_path / "source.onnx", opset=opset)
    made, _ = applied(static_int8, source, networks.images())
    model = onnx.load(made)
    assert model.opset_import[0].version >= 13
    scales = [one for one in model.graph.initializer if one.name.endswith("_scale")]
    assert 16 in {one.dims[0] for one in scales if one.dims}
    assert agreement(source, made, networks.images()) >= 0.9


def test_static_int8_feeds_a_fixed_batch_in_full(tmp_path):
    source = networks.conv_net(tmp_path / "source.onnx", fixed_batch=8)
    _, said = applied(static_int8, source, networks.images(rows=21))
    assert "on 16 rows" in said


def test_static_int8_is_skipped_without_calibration_data(tmp_path):
    with pytest.raises(PassSkipped) as skipped:
        applied(static_int8, networks.conv_net(tmp_path / "source.onnx"))
    assert skipped.value.code == "NO_CALIBRATION_DATA"


def test_static_int8_is_skipped_without_weights(tmp_path):
    with pytest.raises(PassSkipped) as skipped:
        applied(
            static_int8, networks.without_weights(tmp_path / "source.onnx"), networks.features()
        )
    assert skipped.value.code == "NO_WEIGHTED_OPERATORS"


@pytest.mark.parametrize("method", list(CalibrationMethod))
def test_every_calibration_method_makes_a_faithful_network(tmp_path, method):
    source = networks.mlp(tmp_path / "source.onnx")
    spec = OptimizationSpec(calibration=Calibration(method=method, samples=32))
    made, said = applied(static_int8, source, networks.features(), spec)
    assert "on 32 rows" in said
    assert method in said or method is CalibrationMethod.BEST
    assert agreement(source, made, networks.features()) >= 0.8


def test_calibration_sees_every_row_and_not_only_the_last_chunk(tmp_path):
    values = np.zeros((200, 64), np.float32)
    values[3] = 100.0  # one early row is far larger than all that follow
    source = networks.mlp(tmp_path / "source.onnx")
    made, _ = applied(static_int8, source, networks.InMemoryRows(x=values))
    scales = {
        one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(made).graph.initializer
    }
    assert scales["x_scale"] == pytest.approx(100 / 255, rel=1e-3)


def test_calibration_never_holds_more_than_a_few_rows(tmp_path):
    rows = networks.images(rows=500)
    applied(static_int8, networks.conv_net(tmp_path / "source.onnx"), rows)
    assert rows.largest_batch <= 32


def test_seven_bit_weights_are_made_when_asked(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    spec = OptimizationSpec(reduce_range=True)
    made, said = applied(static_int8, source, networks.features(), spec)
    stored = [
        onnx.numpy_helper.to_array(one)
        for one in onnx.load(made).graph.initializer
        if one.data_type == onnx.TensorProto.INT8 and len(one.dims) == 2
    ]
    assert stored
    assert max(int(np.abs(one.astype(int)).max()) for one in stored) <= 64
    assert "7 of 8 bits" in said


def test_a_pass_leaves_nothing_behind_but_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = networks.mlp(tmp_path / "source.onnx")
    for one in (fp16, dynamic_int8, static_int8):
        applied(one, source, networks.features())
    assert {file.name for file in tmp_path.iterdir()} == {"source.onnx", "made.onnx"}


AGAIN = """
import sys
from pathlib import Path
from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx.passes import dynamic_int8, fp16, graph, static_int8
from tests.engine import networks
from tests.engine.test_passes import Ticks
folder = Path(sys.argv[1])
source = networks.conv_net(folder / "source.onnx")
clumsy = networks.clumsy(folder / "clumsy.onnx")
for name, one, file in (("graph", graph, clumsy), ("fp16", fp16, source),
                        ("dynamic", dynamic_int8, source), ("static", static_int8, source)):
    data = networks.images() if file is source else None
    one.apply(file, folder / f"{name}.onnx", OptimizationSpec(), data, Ticks())
"""


def hashes(folder: Path) -> dict[str, str]:
    """Made by a process of its own, with the hash seed that the sandbox sets."""
    folder.mkdir()
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONPATH": os.getcwd()}
    subprocess.run([sys.executable, "-c", AGAIN, str(folder)], check=True, env=environment)
    files = sorted(folder.glob("*.onnx"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_inputs_give_the_same_bytes_in_another_process_and_folder(tmp_path):
    assert hashes(tmp_path / "one") == hashes(tmp_path / "another")


def test_no_path_of_this_machine_is_in_a_file(tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    for one in (fp16, dynamic_int8, static_int8):
        made, _ = applied(one, source, networks.features())
        assert b"/tmp" not in made.read_bytes()
        assert str(tmp_path).encode() not in made.read_bytes()
