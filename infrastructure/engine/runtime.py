"""A loaded model, in whichever runtime its format has: what it takes, what it gives, and a run.

The shape of the protocol is ONNX Runtime's own session; other runtimes are put behind it.
"""

from collections.abc import Sequence
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


RUNTIMES = {ModelFormat.ONNX: "ONNX Runtime", ModelFormat.TFLITE: "LiteRT"}
"""Formats that can be run here, and by what."""


def open_model(file: Path, threads: int, spin: bool = False) -> Session:
    """Loads the file in the runtime of its format. Raises that runtime's errors, KeyError for a
    format without one."""
    found = sniff(file)
    if found is ModelFormat.TFLITE:
        from infrastructure.engine.litert.sessions import LiteRtSession

        return LiteRtSession(file, threads)
    if found is ModelFormat.ONNX:
        from infrastructure.engine.onnx.sessions import open_session

        session: Session = open_session(file, threads, spin=spin)
        return session
    raise KeyError(found)


def runtime_of(file: Path) -> str:
    """The runtime's name and version, for messages."""
    if sniff(file) is ModelFormat.TFLITE:
        from importlib.metadata import version

        return f"LiteRT {version('ai-edge-litert')}"
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"
