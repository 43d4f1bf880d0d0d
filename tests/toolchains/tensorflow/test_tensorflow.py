"""Keras models and SavedModels become TFLite and ONNX in the toolchain, sandboxed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass, VariantResult
from infrastructure.engine.bundle import pack
from infrastructure.engine.optimizer import SandboxedOptimizer
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("tensorflow")
PROJECT = Path(__file__).parents[3]
MAKES = Path(__file__).with_name("make_models.py")
TFLITE, ONNX = ModelFormat.TFLITE, ModelFormat.ONNX
Optimized = Callable[..., dict[str, VariantResult]]


@pytest.fixture(scope="module")
def python(toolchain: Callable[[str], Path]) -> Path:
    return toolchain("tensorflow")


@pytest.fixture(scope="module")
def models(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([python, MAKES, folder], check=True, capture_output=True)
    pack(folder / "two", folder / "two.zip")
    return folder


@pytest.fixture
def optimized(python: Path, optimizer: SandboxedOptimizer, tmp_path: Path) -> Optimized:
    def run(source: Path, target: ModelFormat, *passes: Pass) -> dict[str, VariantResult]:
        random = np.random.default_rng(1)
        data, into = tmp_path / "data.npz", tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        image = random.random((32, 8, 8, 3), np.float32)
        np.savez(data, image=image, extra=random.random((32, 4), np.float32))
        spec = OptimizationSpec(passes=passes, target=target, max_drop=0.05)
        found = optimizer.optimize(source, spec, data, data, into, Remembering())
        return {one.name: one for one in found.variants}

    return run


def faithful(variant: VariantResult) -> bool:
    """It answers by the source's own names, with the source's own numbers."""
    assert variant.outcome is Outcome.MADE, variant
    outputs = {one.name: one.max_abs_error for one in variant.comparison.outputs}
    return len(outputs) == 2 and max(outputs.values()) < 1e-4


def test_a_keras_model_becomes_tflite_in_each_precision(models, optimized):
    passes = (Pass.CONVERT, Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8, Pass.INT16X8)
    told = optimized(models / "two.keras", TFLITE, *passes)
    assert {one.outcome for one in told.values()} == {Outcome.MADE}, told
    assert faithful(told["tflite"])
    assert {one.name for one in told["tflite"].comparison.outputs} == {"kind", "score"}
    sizes = {name: one.file.bytes for name, one in told.items()}
    assert all(size < sizes["tflite"] for name, size in sizes.items() if name != "tflite"), sizes
    again = optimized(models / "two.keras", TFLITE, Pass.CONVERT)
    assert again["tflite"].file.sha256 == told["tflite"].file.sha256


@pytest.mark.parametrize("name", ["two.h5", "two.zip"])
def test_keras_2_files_and_saved_models_become_onnx(name, models, optimized):
    told = optimized(models / name, ONNX, Pass.CONVERT)
    assert faithful(told["onnx"])


def test_a_saved_model_becomes_tflite_and_that_becomes_onnx(models, optimized, tmp_path):
    first = optimized(models / "two.zip", TFLITE, Pass.CONVERT)
    assert faithful(first["tflite"])
    (made,) = tmp_path.glob("made-*/tflite.tflite")
    assert faithful(optimized(made, ONNX, Pass.CONVERT)["onnx"])


def test_the_loader_runs_no_lambda_of_an_h5_file(python, models):
    code = "import sys; from pathlib import Path; from infrastructure.engine.keras.load import "
    code += "loaded; loaded(Path(sys.argv[1]))"
    line = [python, "-c", code, models / "lambda.h5"]
    ran = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode != 0
    assert "EngineRefusal" in ran.stderr
    assert not (models / "mark").exists()
