"""Where the work on each format is done: a package for each, with what gives that format in it.

<package>/passes/<pass>.py          from the same format
<package>/from_<format>/<pass>.py   from another one
<package>/facts.py, sessions.py     what a pass did, counted; the runtime, where there is one
"""

from domain.model_format import ModelFormat
from domain.pass_declaration import Declaration

PACKAGES = {
    ModelFormat.ONNX: "infrastructure.engine.onnx",
    ModelFormat.TFLITE: "infrastructure.engine.litert",
    ModelFormat.OPENVINO_IR: "infrastructure.engine.openvino",
    ModelFormat.SKOPS: "infrastructure.engine.skops",
    ModelFormat.GGUF: "infrastructure.engine.gguf",
    ModelFormat.CORE_ML: "infrastructure.engine.core_ml",
    ModelFormat.TENSORRT_ENGINE: "infrastructure.engine.tensorrt",
    ModelFormat.KERAS: "infrastructure.engine.keras",
    ModelFormat.SAVED_MODEL: "infrastructure.engine.saved_model",
}


def module_of(declared: Declaration) -> str:
    """The module whose `apply` does it."""
    package, name = PACKAGES[declared.given], declared.made_by.lower()
    if declared.given is declared.format:
        return f"{package}.passes.{name}"
    return f"{package}.from_{declared.format.lower()}.{name}"
