"""Core ML packages, made from Keras and SavedModel by coremltools, and never run."""

import subprocess
from pathlib import Path

import pytest

from application.plain_json import to_json
from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass
from infrastructure.engine.bundle import pack
from infrastructure.engine.core_ml.inspect import inspect_core_ml
from infrastructure.engine.limits import Limits
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.sniff import sniff

pytestmark = pytest.mark.xdist_group("coreml")

NETWORK = """
import sys
import keras
keras.utils.set_random_seed(0)
layers = keras.layers
given = keras.Input((16, 16, 3), name="picture")
seen = layers.Conv2D(16, 3, activation="relu")(given)
seen = layers.Conv2D(32, 3, activation="relu")(seen)
told = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(seen))
model = keras.Model(given, told)
model.save(sys.argv[1] + "/model.keras")
model.export(sys.argv[1] + "/saved", verbose=False)
"""


@pytest.fixture(scope="session")
def networks_made(toolchain, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    line = [str(toolchain("coreml")), "-c", NETWORK, str(folder)]
    subprocess.run(line, check=True, capture_output=True)
    return folder


@pytest.fixture
def carried_out(toolchain, tmp_path: Path):
    """One pass in the sandbox, in the toolchain's Python."""
    sandbox = Sandbox(Limits(seconds=900.0), python=str(toolchain("coreml")))

    def run(source: Path, takes: ModelFormat, made_by: Pass, name: str) -> tuple[dict, Path]:
        scratch = tmp_path / f"scratch-{name}"
        scratch.mkdir()
        request = {
            "source": str(source),
            "takes": takes,
            "gives": ModelFormat.CORE_ML,
            "target": str(scratch / "made"),
            "made_by": made_by,
            "spec": to_json(OptimizationSpec(passes=(made_by,))),
            "converted": None,
            "calibration": None,
            "evaluation": None,
        }
        told = sandbox.run("variant", request, scratch, reads=[source]).result
        return told, scratch / "made"

    return run


def test_a_keras_model_becomes_a_program_and_its_weights_small(networks_made, carried_out):
    source = networks_made / "model.keras"
    told, half = carried_out(source, ModelFormat.KERAS, Pass.FP16, "half")
    assert told["outcome"] == Outcome.BUILT, told
    assert "has not been run" in told["reason"]
    assert sniff(half) is ModelFormat.CORE_ML
    signature = inspect_core_ml(half)["signature"]
    assert [(one["name"], one["shape"]) for one in signature["inputs"]] == [
        ("picture", [1, 16, 16, 3])
    ]
    _, again = carried_out(source, ModelFormat.KERAS, Pass.FP16, "again")
    assert again.read_bytes() == half.read_bytes()

    for made_by in (Pass.DYNAMIC_INT8, Pass.PALETTIZE):
        told, small = carried_out(half, ModelFormat.CORE_ML, made_by, made_by.lower())
        assert told["outcome"] == Outcome.BUILT, told
        assert small.stat().st_size < half.stat().st_size
        told, _ = carried_out(small, ModelFormat.CORE_ML, made_by, f"{made_by.lower()}-twice")
        assert (told["outcome"], told["code"]) == (Outcome.SKIPPED, "ALREADY_COMPRESSED")


def test_a_saved_model_becomes_a_program_by_its_serving_signature(
    networks_made, carried_out, tmp_path
):
    pack(networks_made / "saved", tmp_path / "saved.zip")
    told, made = carried_out(tmp_path / "saved.zip", ModelFormat.SAVED_MODEL, Pass.CONVERT, "saved")
    assert told["outcome"] == Outcome.BUILT, told
    (output,) = inspect_core_ml(made)["signature"]["outputs"]
    assert output["dtype"] == "float32"
