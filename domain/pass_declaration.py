"""What each pass is done on, needs and can be told: people choose by it, and jobs are sent to
workers that have what is needed."""

from dataclasses import dataclass
from enum import StrEnum

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass


class Data(StrEnum):
    """Whether a pass wants to see real inputs."""

    NOT_USED = "NOT_USED"
    HELPS = "HELPS"
    REQUIRED = "REQUIRED"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One pass on one format, which it keeps. `settings` are what a request can set that the pass
    reads; `needs` are the Python packages that it imports; `evidence` is what its times on a CPU
    are."""

    made_by: Pass
    what: str
    format: ModelFormat
    needs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    calibration: Data = Data.NOT_USED
    evidence: Evidence = Evidence.MEASURED


_INTEGERS = ("per_channel", "reduce_range")
_CALIBRATION = ("calibration_method", "calibration_samples", "calibration_percentile")

_LITERT = ("ai_edge_litert", "litert_quantizer")

DECLARATIONS = (
    Declaration(
        Pass.GRAPH,
        "The same computation with fewer nodes.",
        ModelFormat.ONNX,
        ("onnx", "onnxslim", "onnxruntime"),
    ),
    Declaration(
        Pass.FP16,
        "Weights and arithmetic in half precision, where the numbers fit.",
        ModelFormat.ONNX,
        ("onnx", "onnxconverter_common", "onnxruntime"),
        calibration=Data.HELPS,
    ),
    Declaration(
        Pass.DYNAMIC_INT8,
        "Weights of matrix products as INT8; activations are quantized at each run.",
        ModelFormat.ONNX,
        ("onnx", "onnxruntime"),
        _INTEGERS,
    ),
    Declaration(
        Pass.STATIC_INT8,
        "Weights and activations as INT8, at ranges that calibration data showed.",
        ModelFormat.ONNX,
        ("onnx", "onnxruntime"),
        (*_INTEGERS, *_CALIBRATION),
        calibration=Data.REQUIRED,
    ),
    Declaration(
        Pass.INT4,
        "Weights of matrix products and embeddings in blocks of 4-bit integers.",
        ModelFormat.ONNX,
        ("onnx", "onnx_ir", "onnxruntime"),
        ("block_size",),
    ),
    Declaration(
        Pass.MIXED_INT4,
        "INT4 where each node by itself costs little, INT8 where it costs more.",
        ModelFormat.ONNX,
        ("onnx", "onnx_ir", "onnxruntime"),
        ("block_size", "max_drop"),
        calibration=Data.HELPS,
    ),
    Declaration(
        Pass.FP8,
        "Weights, and with calibration data activations, as 8-bit floats E4M3.",
        ModelFormat.ONNX,
        ("onnx", "ml_dtypes", "onnxruntime"),
        _CALIBRATION,
        calibration=Data.HELPS,
        evidence=Evidence.EMULATED,
    ),
    Declaration(
        Pass.FP16,
        "Weights in half precision; a CPU computes in FP32.",
        ModelFormat.TFLITE,
        _LITERT,
    ),
    Declaration(
        Pass.DYNAMIC_INT8,
        "Weights as INT8; activations are quantized at each run.",
        ModelFormat.TFLITE,
        _LITERT,
    ),
    Declaration(
        Pass.STATIC_INT8,
        "Weights and activations as INT8, inputs and outputs too.",
        ModelFormat.TFLITE,
        _LITERT,
        ("calibration_samples",),
        calibration=Data.REQUIRED,
    ),
    Declaration(
        Pass.INT16X8,
        "Weights as INT8 and activations as INT16, where INT8 activations cost too much.",
        ModelFormat.TFLITE,
        _LITERT,
        ("calibration_samples",),
        calibration=Data.REQUIRED,
    ),
)


def declared(made_by: Pass, format: ModelFormat) -> Declaration | None:
    """How this pass is done on files of this format; None where it is not."""
    return next(
        (one for one in DECLARATIONS if one.made_by is made_by and one.format is format), None
    )


def formats() -> tuple[ModelFormat, ...]:
    """What can be optimized."""
    return tuple(dict.fromkeys(one.format for one in DECLARATIONS))
