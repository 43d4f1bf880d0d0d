"""TFLite files in LiteRT: read, run, quantized by litert-quantizer, and refused where it is silent.

The network is written by hand, as LiteRT's own schema has it, so that nothing needs TensorFlow.
"""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from application.ports.engine import EngineCrashed, EngineRefusal
from domain.model_format import ModelFormat
from domain.optimization import (
    Calibration,
    CalibrationMethod,
    OptimizationSpec,
    Outcome,
    Pass,
)
from infrastructure.engine.inspect_model import inspect_model
from infrastructure.engine.limits import Limits
from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.passes import dynamic_int8, fp16, int16x8, static_int8
from infrastructure.engine.litert.sessions import LiteRtSession
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.pass_contract import PassSkipped
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.sniff import sniff
from tests.engine import networks
from tests.engine.test_passes import Ticks
from tests.engine.tflite import dense_net
from tests.engine.watching import Remembering

CALIBRATED = (static_int8, int16x8)
SPEC = OptimizationSpec()


def run(file: Path, rows: networks.InMemoryRows) -> np.ndarray:
    session = LiteRtSession(file, threads=1)
    return np.concatenate([session.run(None, feed)[0] for feed in rows.iterate(1)])


def test_a_tflite_file_is_known_by_its_bytes_and_read(tmp_path):
    file = dense_net(tmp_path / "model")
    assert sniff(file) is ModelFormat.TFLITE
    found = inspect_model({"file": str(file)}, Ticks())
    assert found["signature"]["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 64]}]
    assert found["signature"]["operators"] == {"FULLY_CONNECTED": 2}
    assert found["signature"]["parameters"] == 64 * 128 + 128 + 128 * 10 + 10


@pytest.mark.parametrize(("one", "share"), [(fp16, 0.6), (dynamic_int8, 0.4)])
def test_weights_are_made_smaller_without_data_and_the_outputs_stay_near(tmp_path, one, share):
    source, made = dense_net(tmp_path / "source.tflite"), tmp_path / "made.tflite"
    one.apply(source, made, SPEC, None, Ticks())
    rows = networks.features()
    assert made.stat().st_size < share * source.stat().st_size
    assert (run(source, rows).argmax(1) == run(made, rows).argmax(1)).mean() >= 0.9


@pytest.mark.parametrize("one", CALIBRATED)
def test_a_calibrated_pass_makes_an_integer_network_that_agrees(tmp_path: Path, one: ModuleType):
    source, made = dense_net(tmp_path / "source.tflite"), tmp_path / "made.tflite"
    rows = networks.features()
    said = one.apply(source, made, SPEC, rows, Ticks())
    assert "calibrated by MINMAX on 40 rows" in said
    assert made.stat().st_size < 0.5 * source.stat().st_size
    (given,) = LiteRtSession(made, threads=1).get_inputs()
    assert given.scale > 0
    assert given.type == "tensor(float)"  # what goes in is quantized by the session
    assert (run(source, rows).argmax(1) == run(made, rows).argmax(1)).mean() >= 0.9


@pytest.mark.parametrize("one", CALIBRATED)
def test_a_calibrated_pass_is_skipped_without_data(tmp_path: Path, one: ModuleType):
    with pytest.raises(PassSkipped) as skipped:
        one.apply(dense_net(tmp_path / "s"), tmp_path / "made", SPEC, None, Ticks())
    assert skipped.value.code == "NO_CALIBRATION_DATA"


@pytest.mark.parametrize("one", [fp16, dynamic_int8])
def test_fp16_weights_which_the_quantizer_passes_over_in_silence_are_refused(tmp_path, one):
    half = tmp_path / "half.tflite"
    fp16.apply(dense_net(tmp_path / "source.tflite"), half, SPEC, None, Ticks())
    with pytest.raises(PassSkipped, match="FP16 already"):
        one.apply(half, tmp_path / "made.tflite", SPEC, None, Ticks())
    assert not (tmp_path / "made.tflite").exists()


def test_a_quantized_model_is_not_said_to_have_been_quantized_again(tmp_path):
    small = tmp_path / "small.tflite"
    dynamic_int8.apply(dense_net(tmp_path / "source.tflite"), small, SPEC, None, Ticks())
    with pytest.raises(PassSkipped):
        dynamic_int8.apply(small, tmp_path / "made.tflite", SPEC, None, Ticks())


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    source, made = dense_net(tmp_path / "source.tflite"), []
    for number in range(2):
        made.append(tmp_path / f"{number}.tflite")
        static_int8.apply(source, made[-1], SPEC, networks.features(), Ticks())
    assert made[0].read_bytes() == made[1].read_bytes()


def test_a_file_with_wild_offsets_is_refused_and_brings_nothing_down(tmp_path, sandbox: Sandbox):
    good = bytearray(dense_net(tmp_path / "good.tflite").read_bytes())
    random = np.random.default_rng(4)
    refused = 0
    for number in range(12):
        wild = bytearray(good)
        for place in random.integers(8, min(len(wild), 400), 12):
            wild[place] = int(random.integers(0, 256))
        file = tmp_path / f"wild-{number}.tflite"
        file.write_bytes(wild)
        try:
            sandbox.run("inspect", {"file": str(file)}, tmp_path, limits=Limits(), reads=(file,))
        except (EngineRefusal, EngineCrashed):  # a crash is of the engine's process alone
            refused += 1
    assert refused >= 6


def test_the_platform_optimizes_a_tflite_model_and_proves_each_variant(tmp_path, sandbox: Sandbox):
    source = dense_net(tmp_path / "source.tflite")
    data = tmp_path / "data.npz"
    np.savez(data, **next(networks.features(64).iterate(64)))
    spec = OptimizationSpec(passes=(Pass.FP16, Pass.STATIC_INT8, Pass.DYNAMIC_INT8), max_drop=0.2)
    found = SandboxedOptimizer(sandbox).optimize(
        source, spec, data, data, tmp_path / "made", Remembering()
    )
    assert [one.outcome for one in found.variants] == [Outcome.MADE] * 3
    for one in found.variants:
        assert one.file is not None
        assert one.file.name.endswith(".tflite")
        assert one.comparison is not None
        assert one.verdict is not None
        assert one.verdict.passed


def test_an_older_file_without_a_signature_gets_one(tmp_path):
    model = flatbuffer.read(dense_net(tmp_path / "source.tflite"))
    assert not model.signatureDefs
    assert flatbuffer.signature_inputs(flatbuffer.with_signature(model)) == {"x": "x"}


def test_a_file_older_than_its_schema_s_wide_operator_codes_is_quantized_all_the_same(tmp_path):
    model = flatbuffer.read(dense_net(tmp_path / "source.tflite"))
    for code in model.operatorCodes:
        code.builtinCode = 0  # where newer readers look there is nothing
    old, made = tmp_path / "old.tflite", tmp_path / "made.tflite"
    old.write_bytes(flatbuffer.written(model))
    rows = networks.features()
    static_int8.apply(old, made, SPEC, rows, Ticks())
    assert (run(old, rows).argmax(1) == run(made, rows).argmax(1)).mean() >= 0.9
    weights = {
        tensor.name: tensor.quantization
        for tensor in flatbuffer.read(made).subgraphs[0].tensors
        if tensor.name in (b"w0", b"w1")
    }
    assert len(weights) == 2
    assert not any(one.zeroPoint.any() for one in weights.values())


def test_int8_weights_of_a_float_model_are_taken_for_the_floats_they_stand_for(tmp_path):
    source, half = dense_net(tmp_path / "source.tflite"), tmp_path / "half.tflite"
    dynamic_int8.apply(source, half, SPEC, None, Ticks())
    made, rows = tmp_path / "made.tflite", networks.features()
    static_int8.apply(half, made, SPEC, rows, Ticks())
    (given,) = LiteRtSession(made, threads=1).get_inputs()
    assert given.scale > 0
    assert (run(source, rows).argmax(1) == run(made, rows).argmax(1)).mean() >= 0.9


def test_one_outlier_does_not_cost_a_percentile_what_it_costs_the_extremes(tmp_path):
    source = dense_net(tmp_path / "source.tflite")
    values = np.random.default_rng(8).standard_normal((400, 64)).astype(np.float32)
    values[0] *= 400
    rows, later = networks.InMemoryRows(x=values), networks.InMemoryRows(x=values[1:])
    lost = {}
    for method in (CalibrationMethod.MINMAX, CalibrationMethod.BEST):
        made = tmp_path / f"{method}.tflite"
        spec = OptimizationSpec(calibration=Calibration(method, percentile=99.0))
        static_int8.apply(source, made, spec, rows, Ticks())
        lost[method] = float(((run(source, later) - run(made, later)) ** 2).mean())
    assert list(tmp_path.glob("*-[0-9].tflite")) == []
    assert lost[CalibrationMethod.BEST] <= lost[CalibrationMethod.MINMAX]


def test_small_layers_share_one_scale_and_large_ones_have_one_an_output(tmp_path):
    for inputs, scales in ((64, 1), (2_000, 128)):
        source, made = tmp_path / f"{inputs}.tflite", tmp_path / f"{inputs}-int8.tflite"
        dense_net(source, inputs=inputs)
        values = np.random.default_rng(3).standard_normal((40, inputs)).astype(np.float32)
        static_int8.apply(source, made, SPEC, networks.InMemoryRows(x=values), Ticks())
        tensors = flatbuffer.read(made).subgraphs[0].tensors
        (weights,) = [one.quantization for one in tensors if one.name == b"w0"]
        assert len(weights.scale) == scales
