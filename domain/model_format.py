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
    TORCH_EXPORT = "TORCH_EXPORT"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return _SUFFIXES[self]

    @property
    def runs(self) -> bool:
        """Whether a server has a runtime for it, in one environment or another."""
        return self not in _KEPT_ONLY and not self.hardware

    @property
    def hardware(self) -> str:
        """What it takes to run such a file, in words; empty where a CPU is enough."""
        return _HARDWARE.get(self, "")


_HARDWARE = {
    ModelFormat.CORE_ML: "an Apple system, such as macOS",
    ModelFormat.TENSORRT_ENGINE: "an NVIDIA RTX GPU (Ampere or newer)",
}

_KEPT_ONLY = frozenset({ModelFormat.NCNN, ModelFormat.TORCH_EXPORT})

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
    ModelFormat.TORCH_EXPORT: ".pt2",
}
