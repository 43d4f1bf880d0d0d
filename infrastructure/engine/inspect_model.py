"""The task `inspect`: tells the format by the bytes, and reads what Edgewise can read of it."""

from pathlib import Path
from typing import Any

from domain.model_format import ModelFormat
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sniff import sniff


def inspect_model(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """`{"file"}` in; `{"format", "signature" | None, "warnings"}` out. Raises EngineRefusal."""
    file = Path(request["file"])
    found = sniff(file)
    if found is not ModelFormat.ONNX:
        told = f"{found} is recognized and kept; this server can inspect and optimize ONNX only."
        return {"format": found, "signature": None, "warnings": [told]}
    from infrastructure.engine.onnx.inspect import inspect_onnx

    return {"format": found, **inspect_onnx(file)}
