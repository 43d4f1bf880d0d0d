"""The task `inspect`: tells the format by the bytes, and reads what Edgewise can read of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.model_format import ModelFormat
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sniff import sniff

Inspector = Callable[[Path], dict[str, Any]]


def inspect_model(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """`{"file"}` in; `{"format", "signature" | None, "warnings"}` out. Raises EngineRefusal."""
    file = Path(request["file"])
    found = sniff(file)
    inspect = inspector_of(found)
    if inspect is None:
        told = f"{found} is recognized and kept; this server cannot inspect or optimize it yet."
        return {"format": found, "signature": None, "warnings": [told]}
    return {"format": found, **inspect(file)}


def inspector_of(found: ModelFormat) -> Inspector | None:
    """What reads a file of this format, giving `{"signature", "warnings"}`; its libraries are
    imported only here. None for a format that is only recognized."""
    if found is ModelFormat.ONNX:
        from infrastructure.engine.onnx.inspect import inspect_onnx

        return inspect_onnx
    if found is ModelFormat.TFLITE:
        from infrastructure.engine.litert.inspect import inspect_tflite

        return inspect_tflite
    return None
