"""What is done to ONNX, or becomes ONNX."""

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

_INTEGERS = ("per_channel", "reduce_range")
_CALIBRATION = ("calibration_method", "calibration_samples", "calibration_percentile")

_TF2ONNX = ("tensorflow", "tf2onnx", "onnx")

DECLARATIONS = (
    Declaration(
        Pass.CONVERT,
        "A TFLite file as ONNX.",
        ModelFormat.TFLITE,
        _TF2ONNX,
        gives=ModelFormat.ONNX,
        toolchain="tensorflow",
    ),
    Declaration(
        Pass.CONVERT,
        "A Keras model as ONNX.",
        ModelFormat.KERAS,
        _TF2ONNX,
        gives=ModelFormat.ONNX,
        toolchain="tensorflow",
    ),
    Declaration(
        Pass.CONVERT,
        "A SavedModel as ONNX.",
        ModelFormat.SAVED_MODEL,
        _TF2ONNX,
        gives=ModelFormat.ONNX,
        toolchain="tensorflow",
    ),
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
)
