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


class Level(StrEnum):
    SPEED = "SPEED"
    BALANCED = "BALANCED"
    SIZE = "SIZE"


class CalibrationMethod(StrEnum):
    MINMAX = "MINMAX"
    ENTROPY = "ENTROPY"
    PERCENTILE = "PERCENTILE"


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
