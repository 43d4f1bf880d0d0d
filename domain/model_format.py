"""The formats a model file can have. Which one a file has is told by its bytes, not its name."""

from enum import StrEnum


class ModelFormat(StrEnum):
    """Every format that Edgewise recognizes. A model of several files (a SavedModel, an OpenVINO
    IR, an mlpackage) is one zip of them."""

    ONNX = "ONNX"
    TFLITE = "TFLITE"
    GGUF = "GGUF"
    KERAS = "KERAS"
    SAVED_MODEL = "SAVED_MODEL"
    CORE_ML = "CORE_ML"
    OPENVINO_IR = "OPENVINO_IR"
    TENSORRT_ENGINE = "TENSORRT_ENGINE"
    NCNN = "NCNN"
    SKOPS = "SKOPS"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return _SUFFIXES[self]

    @property
    def runs(self) -> bool:
        """Whether a server has a runtime for it, in one environment or another."""
        return self not in _BUILT_ONLY


_BUILT_ONLY = frozenset({ModelFormat.CORE_ML, ModelFormat.TENSORRT_ENGINE, ModelFormat.NCNN})

_SUFFIXES = {
    ModelFormat.ONNX: ".onnx",
    ModelFormat.TFLITE: ".tflite",
    ModelFormat.GGUF: ".gguf",
    ModelFormat.KERAS: ".keras",
    ModelFormat.SAVED_MODEL: ".savedmodel.zip",
    ModelFormat.CORE_ML: ".mlpackage.zip",
    ModelFormat.OPENVINO_IR: ".openvino.zip",
    ModelFormat.TENSORRT_ENGINE: ".engine",
    ModelFormat.NCNN: ".param",
    ModelFormat.SKOPS: ".skops",
}
