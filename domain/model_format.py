"""The formats a model file can have. Which one a file has is told by its bytes, not its name."""

from enum import StrEnum


class ModelFormat(StrEnum):
    """Every format that Edgewise recognizes."""

    ONNX = "ONNX"
    TFLITE = "TFLITE"
    GGUF = "GGUF"
    KERAS = "KERAS"
    SAVED_MODEL = "SAVED_MODEL"
    CORE_ML = "CORE_ML"
    OPENVINO_IR = "OPENVINO_IR"
    TENSORRT_ENGINE = "TENSORRT_ENGINE"
    NCNN = "NCNN"
