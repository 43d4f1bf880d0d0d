"""Keras and SavedModel made into Core ML. Nothing here runs one: each case is BUILT."""

import os
import zipfile
from pathlib import Path

from benchmarks.conversions.case import Case, Made
from benchmarks.conversions.packages import in_package
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

SHARED = Path(
    os.environ.get("EDGEWISE_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
)
PITCH = "basic_pitch/saved_models/icassp_2022/nmp/"
PARTS = ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001")


def keras(name: str) -> Made:
    """A reference model of MLPerf Tiny."""

    def made(_folder: Path) -> Path:
        return SHARED / "mlperf-tiny" / name

    return made


def pitch(folder: Path) -> Path:
    """Basic Pitch's SavedModel as one zip."""
    made = folder / "nmp.zip"
    with zipfile.ZipFile(made, "w") as packed:
        for part in PARTS:
            packed.write(in_package("basic-pitch==0.4.0", PITCH + part)(folder), part)
    return made


CORE_ML = ModelFormat.CORE_ML
RESNET, VISUAL = keras("pretrainedResnet.h5"), keras("vww_96.h5")
CASES = (
    Case("resnet8 keras → core_ml", RESNET, CORE_ML, Pass.CONVERT),
    Case("resnet8 keras → core_ml fp16", RESNET, CORE_ML, Pass.FP16),
    Case("resnet8 keras → core_ml dynamic_int8", RESNET, CORE_ML, Pass.DYNAMIC_INT8),
    Case("mobilenet vww keras → core_ml palettize", VISUAL, CORE_ML, Pass.PALETTIZE),
    Case("basic-pitch saved_model → core_ml fp16", pitch, CORE_ML, Pass.FP16),
)
