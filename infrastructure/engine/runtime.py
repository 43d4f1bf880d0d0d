"""A loaded model, in whichever runtime its format has: what it takes, what it gives, and a run.

The shape of the protocol is ONNX Runtime's own session; other runtimes are put behind it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from domain.model_format import ModelFormat
from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.sniff import sniff


class Tensor(Protocol):
    """`type` as ONNX Runtime spells it, such as `tensor(float)`; a shape's place is a number, or
    a name or None where it is open."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> Sequence[int | str | None]: ...

    @property
    def type(self) -> str: ...


class Session(Protocol):
    """Not to be shared by threads."""

    def get_inputs(self) -> Sequence[Tensor]: ...

    def get_outputs(self) -> Sequence[Tensor]: ...

    def run(self, output_names: Sequence[str] | None, input_feed: Feed) -> Sequence[Any]: ...


class CannotRun(Exception):
    """The runtime of its format is not for this file: there are weights, and no network that it
    knows how to run."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """`opens` is the function, as module:name, that takes a file, how many threads, and whether
    they may spin while they wait; `distribution` has its version, `module` is what it imports, and
    `toolchain` the environment that has it where this server's own does not."""

    name: str
    opens: str
    distribution: str
    module: str
    toolchain: str = ""


RUNTIMES = {
    ModelFormat.ONNX: Runtime(
        "ONNX Runtime", "infrastructure.engine.onnx.sessions:opened", "onnxruntime", "onnxruntime"
    ),
    ModelFormat.TFLITE: Runtime(
        "LiteRT",
        "infrastructure.engine.litert.sessions:opened",
        "ai-edge-litert",
        "ai_edge_litert",
    ),
    ModelFormat.OPENVINO_IR: Runtime(
        "OpenVINO",
        "infrastructure.engine.openvino.sessions:opened",
        "openvino",
        "openvino",
        "openvino",
    ),
    ModelFormat.SKOPS: Runtime(
        "scikit-learn",
        "infrastructure.engine.skops.sessions:opened",
        "scikit-learn",
        "skops",
        "sklearn",
    ),
    ModelFormat.GGUF: Runtime(
        "llama.cpp",
        "infrastructure.engine.gguf.sessions:opened",
        "xllamacpp",
        "xllamacpp",
        "gguf",
    ),
    ModelFormat.KERAS: Runtime(
        "TensorFlow",
        "infrastructure.engine.keras.sessions:opened",
        "tensorflow",
        "tensorflow",
        "tensorflow",
    ),
    ModelFormat.SAVED_MODEL: Runtime(
        "TensorFlow",
        "infrastructure.engine.saved_model.sessions:opened",
        "tensorflow",
        "tensorflow",
        "tensorflow",
    ),
}
"""Formats that can be run here, and by what."""


def open_model(file: Path, threads: int, spin: bool = False) -> Session:
    """Loads the file in the runtime of its format. Raises that runtime's errors, CannotRun, and
    KeyError for a format without one."""
    module, function = RUNTIMES[sniff(file)].opens.split(":")
    opened: Callable[[Path, int, bool], Session] = getattr(import_module(module), function)
    return opened(file, threads, spin)


def runtime_of(file: Path) -> str:
    """The runtime's name and version, for messages."""
    runtime = RUNTIMES[sniff(file)]
    try:
        return f"{runtime.name} {version(runtime.distribution)}"
    except PackageNotFoundError:  # TensorFlow has another name on some machines
        return f"{runtime.name} {import_module(runtime.module).__version__}"
