"""Where the work on each format is done."""

from domain.model_format import ModelFormat

PACKAGES = {
    ModelFormat.ONNX: "infrastructure.engine.onnx",
    ModelFormat.TFLITE: "infrastructure.engine.litert",
}
"""Where a format's passes are, each a module of its name in lower case, and its `facts`."""
