"""The optimizer: from an uploaded file to variants with verdicts, through real processes."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest

from application.plain_json import from_json, to_json
from application.ports.engine import CrashKind, EngineCancelled, EngineCrashed, EngineRefusal
from domain.measure import Measure
from domain.optimization import (
    Calibration,
    Level,
    OptimizationResult,
    OptimizationSpec,
    Outcome,
    Pass,
    VariantResult,
)
from domain.parity import InputsUsed
from domain.verdict import NoteCode
from infrastructure.engine.isolation import Isolation, possible
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from tests.engine import models
from tests.engine.watching import Remembering
from tests.patience import PATIENCE

BOTH = (Pass.FP16, Pass.STATIC_INT8)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(Limits(seconds=PATIENCE))


@pytest.fixture
def watch() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def optimized(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> tuple[OptimizationResult, Path, Remembering]:
    """The trained digits network, by all passes."""
    folder, watch = tmp_path_factory.mktemp("digits"), Remembering()
    source, calibration, evaluation = models.saved_digits(folder)
    spec = OptimizationSpec(level=Level.SIZE, calibration=Calibration(samples=128))
    optimizer = SandboxedOptimizer(sandbox)
    into = folder / "out"
    result = optimizer.optimize(source, spec, calibration, evaluation, into, watch)
    return result, into, watch


def by_name(result: OptimizationResult, name: str) -> VariantResult:
    return next(one for one in result.variants if one.name == name)


def test_every_pass_that_was_asked_for_is_in_the_result(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    result, _, _ = optimized
    assert tuple(one.made_by for one in result.variants) == OptimizationSpec().passes
    assert all(one.reason for one in result.variants)


def test_a_variant_tells_the_libraries_that_it_was_made_with(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    found = by_name(optimized[0], "static_int8").versions
    assert found["onnxruntime"] == onnxruntime.__version__
    assert {"onnx", "numpy"} <= set(found)


def test_accuracy_is_told_for_source_and_variant_on_the_held_out_rows(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    result, _, _ = optimized
    for name in ("fp16", "dynamic_int8", "static_int8"):
        verdict = by_name(result, name).verdict
        assert verdict is not None
        assert verdict.measure is Measure.ACCURACY
        assert verdict.accuracy is not None
        assert verdict.accuracy.rows == len(models.digits().test)
        assert verdict.accuracy.source > 0.95
        assert verdict.passed


def test_the_files_are_there_as_the_result_tells_and_run_anywhere(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    result, into, _ = optimized
    made = [one.file for one in result.variants if one.file is not None]
    assert sorted(file.name for file in made) == sorted(path.name for path in into.iterdir())
    for file in made:
        data = (into / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        (score,) = session.run(None, {"image": models.digits().test[:1]})
        assert score.shape == (1, 10)


def test_the_smallest_that_passed_is_chosen_with_a_reason(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    result, _, _ = optimized
    sizes = {one.name: one.file.bytes for one in result.variants if one.file and one.passed}
    assert result.choice.name == min(sizes, key=lambda name: sizes[name])
    assert f"{sizes[result.choice.name]:,} bytes" in result.choice.why


def test_stages_begin_and_end_in_order_and_ticks_rise(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    _, _, watch = optimized
    begun = [one[1:] for one in watch.stages if one[0] == "+"]
    assert begun[0] == "check"
    assert {"graph", "fp16", "compare:fp16", "static_int8", "compare:static_int8"} <= set(begun)
    assert watch.stages == [f"{sign}{name}" for name in begun for sign in "+-"]
    assert all(0 <= percent <= 100 for percent, _ in watch.ticks)


def test_a_result_is_the_same_after_storing(
    optimized: tuple[OptimizationResult, Path, Remembering],
) -> None:
    result, _, _ = optimized
    assert from_json(to_json(result), OptimizationResult) == result


def test_the_same_input_gives_the_same_bytes(
    optimized: tuple[OptimizationResult, Path, Remembering],
    tmp_path: Path,
    sandbox: Sandbox,
    watch: Remembering,
) -> None:
    source, calibration, _ = models.saved_digits(tmp_path)
    spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=Calibration(samples=128))
    again = SandboxedOptimizer(sandbox).optimize(
        source, spec, calibration, None, tmp_path / "out", watch
    )
    assert again.variants[0].file == by_name(optimized[0], "static_int8").file


def test_without_data_random_inputs_are_used_and_said_so(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    source = models.saved(models.embedding(), tmp_path)
    spec = OptimizationSpec(passes=BOTH)
    result = SandboxedOptimizer(sandbox).optimize(source, spec, None, None, tmp_path / "o", watch)
    half, static = result.variants
    assert half.comparison is not None
    assert half.verdict is not None
    assert half.comparison.inputs is InputsUsed.SYNTHETIC
    assert NoteCode.SYNTHETIC_INPUTS in [note.code for note in half.verdict.notes]
    assert (static.outcome, static.file) == (Outcome.SKIPPED, None)
    assert "calibration" in static.reason


def test_dynamic_int8_of_a_model_without_weights_is_skipped_and_leaves_no_file(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    source = models.saved(models.relu(), tmp_path)
    spec = OptimizationSpec(passes=(Pass.DYNAMIC_INT8,))
    into = tmp_path / "out"
    result = SandboxedOptimizer(sandbox).optimize(source, spec, None, None, into, watch)
    assert result.variants[0].outcome is Outcome.SKIPPED
    assert list(into.iterdir()) == []
    assert result.choice.name == "source"


def test_static_int8_alone_without_calibration_data_is_refused_by_its_field(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    source = models.saved(models.matmul(), tmp_path)
    spec = OptimizationSpec(passes=(Pass.STATIC_INT8,))
    with pytest.raises(EngineRefusal) as refused:
        SandboxedOptimizer(sandbox).optimize(source, spec, None, None, tmp_path, watch)
    assert (refused.value.code, refused.value.field) == ("CALIBRATION_MISSING", "calibration")


def test_calibration_data_of_the_wrong_shape_is_refused_by_name(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    source, wrong = models.saved(models.matmul(), tmp_path), tmp_path / "wrong.npz"
    np.savez(wrong, x=np.zeros((10, 63), np.float32))
    with pytest.raises(EngineRefusal, match="takes rows of shape") as refused:
        SandboxedOptimizer(sandbox).optimize(
            source, OptimizationSpec(passes=BOTH), wrong, None, tmp_path / "o", watch
        )
    assert (refused.value.code, refused.value.field) == ("DATASET_MISMATCH", "calibration")


def test_a_strict_limit_fails_the_variant_and_keeps_the_source(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    """A matrix whose INT8 form cannot be near: one weight dwarfs all others."""
    model = models.matmul()
    weights = np.full((64, 64), 1e-3, np.float32)
    weights[:, 0] = np.linspace(-1, 1, 64)
    model.graph.initializer[0].CopyFrom(models.constant("w", weights))
    source = models.saved(model, tmp_path)
    spec = OptimizationSpec(passes=(Pass.DYNAMIC_INT8,), max_drop=0.0, per_channel=False)
    result = SandboxedOptimizer(sandbox).optimize(source, spec, None, None, tmp_path / "o", watch)
    verdict = result.variants[0].verdict
    assert verdict is not None
    if verdict.drop > 0:
        assert not verdict.passed
        assert result.choice.name == "source"
        assert "Failed its gate: dynamic_int8" in result.choice.why


def test_cancelling_stops_the_work_and_leaves_nothing_half_made(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    source, calibration, evaluation = models.saved_digits(tmp_path)
    watch, into = Remembering(stop_at="fp16"), tmp_path / "out"
    with pytest.raises(EngineCancelled):
        SandboxedOptimizer(sandbox).optimize(
            source, OptimizationSpec(passes=BOTH), calibration, evaluation, into, watch
        )
    assert list(into.iterdir()) == []
    assert "+static_int8" not in watch.stages


def test_a_pass_that_runs_out_of_memory_costs_its_variant_and_not_the_job(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    """The model is small and its output is not: it is only too much when it is run."""
    source = models.saved(models.huge_output(), tmp_path)
    spec = OptimizationSpec(passes=(Pass.GRAPH, Pass.FP16))
    limits = Limits(seconds=PATIENCE, memory_bytes=700 * 2**20)
    result = SandboxedOptimizer(sandbox, limits).optimize(
        source, spec, None, None, tmp_path / "o", watch
    )
    assert {one.outcome for one in result.variants} <= {Outcome.FAILED, Outcome.SKIPPED}
    half = by_name(result, "fp16")
    assert half.code == "CRASHED_MEMORY"
    assert result.choice.name == "source"
    assert sorted(watch.stages.count(f"{sign}fp16") for sign in "+-") == [1, 1]


class Killing(Remembering):
    """Kills the engine's process, as the system does when memory is short, at a stage."""

    def stage_started(self, name: str) -> None:
        super().stage_started(name)
        if name == "fp16":
            for process in psutil.Process().children(recursive=True):
                if "infrastructure.engine.child" in " ".join(process.cmdline()):
                    process.kill()


def test_a_process_that_was_killed_from_outside_is_another_attempt_s_work(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    source = models.saved(models.matmul(), tmp_path)
    with pytest.raises(EngineCrashed) as raised:
        SandboxedOptimizer(sandbox).optimize(
            source, OptimizationSpec(passes=(Pass.FP16,)), None, None, tmp_path / "o", Killing()
        )
    assert (raised.value.kind, raised.value.retryable) == (CrashKind.KILLED, True)


@pytest.mark.parametrize("isolation", list(Isolation))
def test_files_that_only_we_may_read_can_be_worked_on_in_every_isolation(
    tmp_path: Path, watch: Remembering, isolation: Isolation
) -> None:
    if isolation not in possible():
        pytest.skip(f"{isolation} is not possible here")
    source = models.saved(models.matmul(), tmp_path)
    source.chmod(0o600)
    spec = OptimizationSpec(passes=(Pass.DYNAMIC_INT8,))
    result = SandboxedOptimizer(Sandbox(isolation=isolation)).optimize(
        source, spec, None, None, tmp_path / "out", watch
    )
    assert result.variants[0].outcome is Outcome.MADE
    assert result.isolation == isolation
