"""What is done to TFLite, or becomes TFLite.

Keras models and SavedModels are made TFLite in FP32 and then quantized as any TFLite file is.
TensorFlow's converter quantizes too; on MLPerf Tiny's ResNet8 (200 calibration rows, 480 test
images) its INT8 file was larger (96,944 against 96,832 bytes) and no more accurate (88.1 against
88.5 %), and so with FP16, dynamic INT8 and INT16x8.
"""

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

_LITERT = ("ai_edge_litert", "litert_quantizer")
_CALIBRATION = ("calibration_method", "calibration_samples", "calibration_percentile")
_TENSORFLOW = ("tensorflow", "ai_edge_litert")

DECLARATIONS = (
    Declaration(
        Pass.CONVERT,
        "A Keras model as TFLite, for one row at a time.",
        ModelFormat.KERAS,
        _TENSORFLOW,
        gives=ModelFormat.TFLITE,
        toolchain="tensorflow",
    ),
    Declaration(
        Pass.CONVERT,
        "A SavedModel as TFLite, for one row at a time.",
        ModelFormat.SAVED_MODEL,
        _TENSORFLOW,
        gives=ModelFormat.TFLITE,
        toolchain="tensorflow",
    ),
    Declaration(
        Pass.CONVERT,
        "An ONNX model as TFLite, its inputs in the same layout.",
        ModelFormat.ONNX,
        ("onnx2tf", "onnx", "ai_edge_litert"),
        calibration=Data.HELPS,
        gives=ModelFormat.TFLITE,
        toolchain="onnx2tf",
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
        _CALIBRATION,
        calibration=Data.REQUIRED,
    ),
    Declaration(
        Pass.INT16X8,
        "Weights as INT8 and activations as INT16, where INT8 activations cost too much.",
        ModelFormat.TFLITE,
        _LITERT,
        _CALIBRATION,
        calibration=Data.REQUIRED,
    ),
)
