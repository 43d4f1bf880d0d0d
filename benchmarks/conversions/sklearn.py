"""Models of scikit-learn, fitted here on its handwritten digits, made into ONNX.

No package ships a model in skops' format: the toolchain's own Python fits and saves them.
"""

import os
import subprocess
from pathlib import Path

from benchmarks.conversions.case import Case, Made
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from infrastructure.engine.child_process import Unwatched
from infrastructure.toolchains.environments import Environments
from interfaces.settings import read_settings

SCRIPT = Path(__file__).with_name("fit_digits.py")


def fitted(name: str) -> Made:
    """One of the models that the script fits."""

    def made(folder: Path) -> Path:
        found = folder / f"{name}.skops"
        if not found.exists():
            environments = Environments(read_settings(os.environ).toolchains_home)
            python = environments.make("sklearn", Unwatched())
            # -P: beside the script lies this module, which is called as the library is.
            subprocess.run([str(python), "-P", str(SCRIPT), str(folder)], check=True)
        return found

    return made


def digits(folder: Path) -> Path:
    """Rows that the models were not fitted on, with their labels; made with the models."""
    fitted("forest")(folder)
    return folder / "digits.npz"


CASES = tuple(
    Case(f"digits {name} skops → onnx", fitted(name), ModelFormat.ONNX, Pass.CONVERT, digits)
    for name in ("forest", "boosted", "logistic", "network")
)
