"""What is done to OpenVINO IR, or becomes OpenVINO IR."""

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

_OPENVINO = "openvino"
_NNCF = ("openvino", "nncf")
_SCALES = ("per_channel", "reduce_range")
_CALIBRATION = ("calibration_method", "calibration_samples", "calibration_percentile")

DECLARATIONS = (
    Declaration(
        Pass.CONVERT,
        "The same numbers as OpenVINO IR.",
        ModelFormat.ONNX,
        ("openvino", "onnx", "onnxruntime"),
        gives=ModelFormat.OPENVINO_IR,
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.CONVERT,
        "The same numbers as OpenVINO IR.",
        ModelFormat.TFLITE,
        ("openvino", "ai_edge_litert"),
        gives=ModelFormat.OPENVINO_IR,
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.FP16,
        "Weights in half precision; a CPU computes in FP32.",
        ModelFormat.OPENVINO_IR,
        ("openvino",),
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.DYNAMIC_INT8,
        "Weights as INT8; activations are quantized at each run where kernels do that.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.STATIC_INT8,
        "Weights and activations as INT8, at ranges that calibration data showed.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        (*_SCALES, *_CALIBRATION),
        calibration=Data.REQUIRED,
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.ACCURACY_INT8,
        "INT8, and back to float what costs too much, until no more than max_drop is lost.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        (*_SCALES, *_CALIBRATION, "max_drop"),
        calibration=Data.REQUIRED,
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.INT4,
        "Weights of matrix products and embeddings in groups of 4-bit integers.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        ("block_size",),
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.NF4,
        "Weights of matrix products and embeddings in groups of 16 levels, as numbers spread.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        ("block_size",),
        toolchain=_OPENVINO,
    ),
    Declaration(
        Pass.FP8,
        "Weights, and with calibration data activations, as 8-bit floats E4M3.",
        ModelFormat.OPENVINO_IR,
        _NNCF,
        ("block_size", "calibration_samples"),
        calibration=Data.HELPS,
        evidence=Evidence.EMULATED,
        toolchain=_OPENVINO,
    ),
)
