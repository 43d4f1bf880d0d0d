"""ONNX becomes OpenVINO IR and is quantized there, in the toolchain's environment, sandboxed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization import OptimizationResult, OptimizationSpec, Outcome, Pass
from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.inspect_model import inspect_model
from infrastructure.engine.optimizer import SandboxedOptimizer
from tests.engine import networks
from tests.engine.models import constant, model_of, saved, value
from tests.engine.test_passes import Ticks
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("openvino")
IR = ModelFormat.OPENVINO_IR
PROJECT = Path(__file__).parents[3]
BEST, ENTROPY = (Calibration(CalibrationMethod[one]) for one in ("BEST", "ENTROPY"))
SMALLER = (
    Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8, Pass.ACCURACY_INT8, Pass.INT4, Pass.NF4,
    Pass.FP8,
)  # fmt: skip


@pytest.fixture
def optimized(
    toolchain: Callable[[str], Path], optimizer: SandboxedOptimizer, tmp_path: Path
) -> Callable[..., OptimizationResult]:
    toolchain("openvino")

    def run(source: Path, *passes: Pass, target: ModelFormat | None = IR, **settings: object):
        spec = OptimizationSpec(passes=passes, target=target, **settings)
        data, into = tmp_path / "data.npz", tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        np.savez(data, **next(networks.features(64).iterate(64)))
        return optimizer.optimize(source, spec, data, data, into, Remembering())

    return run


def test_an_onnx_model_becomes_openvino_ir_in_each_precision_and_each_is_proven(
    optimized, tmp_path
):
    source = networks.mlp(tmp_path / "source.onnx")
    found = optimized(source, Pass.CONVERT, *SMALLER, max_drop=0.1)
    told = {one.name: one for one in found.variants}
    assert {one.outcome for one in found.variants} == {Outcome.MADE}, told
    assert list(told) == ["openvino_ir", *(f"openvino_ir_{one.lower()}" for one in SMALLER)]
    plain = told["openvino_ir"]
    assert plain.comparison.outputs[0].name == "logits"
    assert plain.comparison.outputs[0].max_abs_error < 1e-4
    for one in SMALLER:
        variant = told[f"openvino_ir_{one.lower()}"]
        share = variant.file.bytes / plain.file.bytes
        assert share < (0.7 if one is Pass.FP16 else 0.5), (one, share)
        assert variant.verdict.passed, (one, variant.verdict.gates)
        emulated = variant.comparison.timing.evidence is Evidence.EMULATED
        assert emulated == (one is Pass.FP8)
    assert "openvino" in plain.versions
    assert {"openvino", "nncf"} <= set(told["openvino_ir_int4"].versions)
    assert "groups of 32" in told["openvino_ir_int4"].reason
    assert "on 64 rows" in told["openvino_ir_static_int8"].reason
    assert "the source's answers" in told["openvino_ir_accuracy_int8"].reason


def test_the_same_inputs_give_the_same_bytes_and_ir_is_a_source_like_any_other(optimized, tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    passes = (Pass.CONVERT, Pass.STATIC_INT8)
    made = [optimized(source, *passes) for _ in range(2)]
    hashes = [[one.file.sha256 for one in found.variants] for found in made]
    assert hashes[0] == hashes[1]
    kept = max(tmp_path.glob("made-*/openvino_ir.*"))
    inspected = inspect_model({"file": str(kept)}, Ticks())["signature"]
    assert inspected["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["?", 64]}]
    assert inspected["outputs"] == [{"name": "logits", "dtype": "float32", "shape": ["?", 10]}]
    again = optimized(kept, Pass.STATIC_INT8, target=None)
    assert again.variants[0].name == "static_int8"
    assert again.variants[0].file.sha256 == hashes[0][1]
    (small,) = tmp_path.glob("made-*/static_int8.*")
    (refused,) = optimized(small, Pass.DYNAMIC_INT8, target=None).variants
    assert (refused.outcome, refused.code) == (Outcome.SKIPPED, "ALREADY_QUANTIZED")


def test_every_way_of_calibrating_is_tried_and_the_nearest_kept(optimized, tmp_path):
    source = networks.mlp(tmp_path / "source.onnx")
    (one,) = optimized(source, Pass.STATIC_INT8, calibration=BEST, max_drop=0.1).variants
    assert one.outcome is Outcome.MADE, one.reason
    assert "of 5 ways tried" in one.reason
    assert one.verdict.passed
    (none,) = optimized(source, Pass.STATIC_INT8, calibration=ENTROPY).variants
    assert (none.outcome, none.code) == (Outcome.SKIPPED, "CALIBRATION_METHOD")


def test_operators_that_openvino_cannot_take_are_named(optimized, tmp_path):
    """A condition of two dimensions, as PyTorch exports them; ONNX Runtime takes it."""
    then, other = (
        helper.make_graph([helper.make_node(kind, ["x"], [kind])], kind, [], [value(kind, [1, 64])])
        for kind in ("Neg", "Abs")
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"]),
        helper.make_node("Greater", ["sum", "zero"], ["above"]),
        helper.make_node("If", ["above"], ["y"], name="if", then_branch=then, else_branch=other),
    ]
    zero = constant("zero", np.zeros((1, 1), np.float32))
    model = model_of(nodes, [value("x", [1, 64])], [value("y", [1, 64])], [zero])
    (one,) = optimized(saved(model, tmp_path), Pass.INT4).variants
    assert (one.outcome, one.code) == (Outcome.SKIPPED, "OPERATORS_NOT_TAKEN")
    assert "If" in one.reason


def test_neither_library_can_report_its_use(toolchain):
    code = (
        "import infrastructure.engine.openvino, openvino, nncf.telemetry.wrapper as nncf\n"
        "from openvino.tools.ovc import telemetry\n"
        "print(type(telemetry).__module__, type(nncf.telemetry).__name__)"
    )
    python = toolchain("openvino")
    told = subprocess.run(
        [str(python), "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "MagicMock"]
