"""The toolchains there are. What each installs is in `locks`: <name>.in names what is wanted,
<name>.lock pins all of it with hashes (`make lock-toolchains`).
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from application.ports.toolchains import KnownToolchain

LOCKS = Path(__file__).with_name("locks")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`what` it is for; `built` are packages that come as sources and need a compiler;
    `newer_python` are packages of plain Python that declare a newer one than they need; `locks` is
    the folder of its two files."""

    name: str
    what: str
    built: tuple[str, ...] = ()
    newer_python: tuple[str, ...] = ()
    locks: Path = LOCKS

    @property
    def lock(self) -> Path:
        return self.locks / f"{self.name}.lock"

    @property
    def digest(self) -> str:
        """Which lock file an environment was made from: 12 hexadecimal digits."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The packages named in the .in file, as pip takes them."""
        lines = self.lock.with_suffix(".in").read_text().splitlines()
        return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))

    @property
    def pins(self) -> int:
        """How many packages the lock file has, at most: some are for other systems."""
        return len(re.findall(r"^[A-Za-z0-9][\w.-]*==", self.lock.read_text(), re.M))


_ALL: tuple[Toolchain, ...] = (
    Toolchain("openvino", "OpenVINO IR: made from ONNX and TFLite, quantized by NNCF, and run."),
    Toolchain("sklearn", "Models of scikit-learn in skops' format: run, and made into ONNX."),
    Toolchain("gguf", "GGUF: quantized and run by llama.cpp."),
    Toolchain("coreml", "Core ML from Keras and SavedModel, by coremltools and TensorFlow."),
    Toolchain("pytorch", "Core ML from PyTorch's exported programs, by coremltools."),
    Toolchain("tensorrt", "TensorRT-RTX engines from ONNX."),
    Toolchain("tensorflow", "Keras models and SavedModels: run, and made into TFLite and ONNX."),
    Toolchain("onnx2tf", "ONNX made into TFLite.", newer_python=("onnx2tf",)),
)

CATALOG = {one.name: one for one in _ALL}


def known_toolchains() -> tuple[KnownToolchain, ...]:
    """What people are told of them."""
    return tuple(KnownToolchain(one.name, one.what, one.wanted) for one in _ALL)
