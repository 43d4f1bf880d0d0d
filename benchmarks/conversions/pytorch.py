"""PyTorch's exported programs made into Core ML. Nothing here runs one: each case is BUILT."""

import os
import subprocess
from pathlib import Path

from benchmarks.conversions.case import Case
from benchmarks.conversions.minilm import FOLDER, PACKAGE
from benchmarks.conversions.packages import wheel
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from infrastructure.engine.child_process import Unwatched
from infrastructure.toolchains.environments import Environments
from interfaces.settings import read_settings

SCRIPT = Path(__file__).with_name("export_minilm.py")
CORE_ML = ModelFormat.CORE_ML


def minilm(folder: Path) -> Path:
    """all-MiniLM-L6-v2 as a .pt2, by the toolchain's own Python."""
    found = folder / "all-MiniLM-L6-v2.pt2"
    if not found.exists():
        environments = Environments(read_settings(os.environ).toolchains_home)
        python = environments.make("pytorch", Unwatched())
        # -P: beside the script lie modules that are called as libraries are.
        line = [str(python), "-P", str(SCRIPT), str(wheel(PACKAGE, folder)), FOLDER, str(found)]
        subprocess.run(line, check=True)
    return found


CASES = (
    Case("minilm pytorch → core_ml", minilm, CORE_ML, Pass.CONVERT),
    Case("minilm pytorch → core_ml fp16", minilm, CORE_ML, Pass.FP16),
    Case("minilm pytorch → core_ml dynamic_int8", minilm, CORE_ML, Pass.DYNAMIC_INT8),
    Case("minilm pytorch → core_ml palettize", minilm, CORE_ML, Pass.PALETTIZE),
)
