"""The task `inspect`: tells the format by the bytes, and reads what Edgewise can read of it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from domain.model_format import ModelFormat
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sniff import sniff

Inspector = Callable[[Path], dict[str, Any]]

INSPECTORS = {
    ModelFormat.ONNX: "onnx.inspect:inspect_onnx",
    ModelFormat.TFLITE: "litert.inspect:inspect_tflite",
    ModelFormat.KERAS: "keras.inspect:inspect_keras",
    ModelFormat.SAVED_MODEL: "saved_model.inspect:inspect_saved_model",
    ModelFormat.OPENVINO_IR: "openvino.inspect:inspect_openvino",
    ModelFormat.GGUF: "gguf.inspect:inspect_gguf",
    ModelFormat.CORE_ML: "core_ml.inspect:inspect_core_ml",
    ModelFormat.TENSORRT_ENGINE: "tensorrt.inspect:inspect_tensorrt",
    ModelFormat.NCNN: "ncnn.inspect:inspect_ncnn",
    ModelFormat.SKOPS: "skops.inspect:inspect_skops",
    ModelFormat.TORCH_EXPORT: "torch_export.inspect:inspect_torch_export",
}


def inspect_model(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """`{"file"}` in; `{"format", "signature" | None, "warnings"}` out. Raises EngineRefusal."""
    file = Path(request["file"])
    found = sniff(file)
    return {"format": found, **inspector_of(found)(file)}


def inspector_of(found: ModelFormat) -> Inspector:
    """What reads a file of this format, giving `{"signature" | None, "warnings"}`; its libraries
    are imported only here, and are the base installation's."""
    module, name = INSPECTORS[found].split(":")
    inspect: Inspector = getattr(import_module(f"infrastructure.engine.{module}"), name)
    return inspect
