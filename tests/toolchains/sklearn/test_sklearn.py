"""Models of scikit-learn become ONNX, in the toolchain's environment and the sandbox."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass
from infrastructure.engine.optimizer import SandboxedOptimizer
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("sklearn")
TRAINING = Path(__file__).with_name("train.py")
CLASSIFIERS = ("forest", "boosted", "pipeline")


@pytest.fixture(scope="module")
def models(toolchain: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of fitted models, and `data.npz`, made by the toolchain's own scikit-learn."""
    folder = tmp_path_factory.mktemp("models")
    line = [str(toolchain("sklearn")), str(TRAINING), str(folder)]
    subprocess.run(line, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    return folder


@pytest.fixture
def converted(optimizer: SandboxedOptimizer, models: Path, tmp_path: Path):
    def run(name: str, *passes: Pass):
        spec = OptimizationSpec(passes=passes, target=ModelFormat.ONNX, max_drop=0.01)
        source, into = models / f"{name}.skops", tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        data = models / "data.npz"
        return optimizer.optimize(source, spec, None, data, into, Remembering()).variants

    return run


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_becomes_onnx_that_gives_the_same_classes(converted, name):
    (one,) = converted(name, Pass.CONVERT)
    assert one.outcome is Outcome.MADE, one.reason
    outputs = {output.name: output for output in one.comparison.outputs}
    assert outputs["label"].argmax_agreement >= 0.99
    assert outputs["probabilities"].max_abs_error < 0.05
    assert one.comparison.accuracy.variant > 0.8
    assert one.verdict.passed


@pytest.mark.parametrize("name", ["regression", "clusters"])
def test_a_regression_and_a_clustering_become_onnx_too(converted, name):
    (one,) = converted(name, Pass.CONVERT)
    assert one.outcome is Outcome.MADE, one.reason
    assert one.comparison.outputs[0].cosine > 0.9999


def test_the_same_model_gives_the_same_bytes_and_goes_on_to_be_quantized(converted):
    plain, small = converted("network", Pass.CONVERT, Pass.DYNAMIC_INT8)
    assert plain.file.sha256 == converted("network", Pass.CONVERT)[0].file.sha256
    assert small.name == "onnx_dynamic_int8"
    assert small.outcome is Outcome.MADE, small.reason
    assert small.file.bytes < 0.5 * plain.file.bytes


@pytest.mark.parametrize(
    ("name", "kind"), [("own", "__main__.Doubled"), ("function", "numpy.nan_to_num")]
)
def test_a_type_that_nobody_vouches_for_is_named_and_never_constructed(converted, name, kind):
    with pytest.raises(EngineRefusal) as told:
        converted(name, Pass.CONVERT)
    assert told.value.code == "UNTRUSTED_TYPES"
    assert kind in told.value.message
