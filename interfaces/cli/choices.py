"""The words that options take, as the API spells them; typed in any case.

Kept here and not imported from the domain: the CLI knows the server by its API alone.
"""

from enum import StrEnum


class Task(StrEnum):
    CLASSIFICATION = "CLASSIFICATION"
    DETECTION = "DETECTION"
    REGRESSION = "REGRESSION"
    SPEECH = "SPEECH"
    OTHER = "OTHER"


class ModelStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class Purpose(StrEnum):
    CALIBRATION = "CALIBRATION"
    EVALUATION = "EVALUATION"
    TRAINING = "TRAINING"


class Pass(StrEnum):
    GRAPH = "GRAPH"
    FP16 = "FP16"
    DYNAMIC_INT8 = "DYNAMIC_INT8"
    STATIC_INT8 = "STATIC_INT8"
    INT4 = "INT4"
    MIXED_INT4 = "MIXED_INT4"
    FP8 = "FP8"
    INT16X8 = "INT16X8"
    CONVERT = "CONVERT"
    BF16 = "BF16"
    NF4 = "NF4"
    ACCURACY_INT8 = "ACCURACY_INT8"
    PALETTIZE = "PALETTIZE"
    Q8_0 = "Q8_0"
    Q4_0 = "Q4_0"
    Q4_1 = "Q4_1"
    Q5_0 = "Q5_0"
    Q5_1 = "Q5_1"
    Q4_K_M = "Q4_K_M"
    Q5_K_M = "Q5_K_M"
    Q6_K = "Q6_K"


class Target(StrEnum):
    """Formats that something here gives."""

    ONNX = "ONNX"
    TFLITE = "TFLITE"
    OPENVINO_IR = "OPENVINO_IR"
    GGUF = "GGUF"
    CORE_ML = "CORE_ML"
    TENSORRT_ENGINE = "TENSORRT_ENGINE"


class Source(StrEnum):
    """Formats that something here starts from."""

    ONNX = "ONNX"
    TFLITE = "TFLITE"
    GGUF = "GGUF"
    KERAS = "KERAS"
    SAVED_MODEL = "SAVED_MODEL"
    OPENVINO_IR = "OPENVINO_IR"
    SKOPS = "SKOPS"
    CORE_ML = "CORE_ML"
    TORCH_EXPORT = "TORCH_EXPORT"


class Level(StrEnum):
    SPEED = "SPEED"
    BALANCED = "BALANCED"
    SIZE = "SIZE"


class CalibrationMethod(StrEnum):
    MINMAX = "MINMAX"
    ENTROPY = "ENTROPY"
    PERCENTILE = "PERCENTILE"
    MSE = "MSE"
    BEST = "BEST"


class JobStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Role(StrEnum):
    OWNER = "OWNER"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


class Plan(StrEnum):
    FREE = "FREE"
    STARTER = "STARTER"
    PRO = "PRO"
    ENTERPRISE = "ENTERPRISE"


class Architecture(StrEnum):
    X86_64 = "X86_64"
    AARCH64 = "AARCH64"
    ARMV7 = "ARMV7"
