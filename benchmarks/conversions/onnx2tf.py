"""ONNX made into TFLite, by onnx2tf."""

from benchmarks.conversions.case import Case
from benchmarks.conversions.openvino import EMBEDDING, MAGIKA, files_as_bytes
from benchmarks.conversions.packages import in_package
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

ALEXA = in_package("openwakeword==0.4.0", "openwakeword/resources/models/alexa_v0.1.onnx")
PITCH = in_package("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.onnx")
TFLITE = ModelFormat.TFLITE

CASES = (
    Case("magika onnx → tflite", MAGIKA, TFLITE, Pass.CONVERT, files_as_bytes),
    Case("openwakeword alexa onnx → tflite", ALEXA, TFLITE, Pass.CONVERT),
    Case("openwakeword alexa onnx → tflite fp16", ALEXA, TFLITE, Pass.FP16),
    Case("openwakeword alexa onnx → tflite dynamic_int8", ALEXA, TFLITE, Pass.DYNAMIC_INT8),
    Case("openwakeword embedding onnx → tflite", EMBEDDING, TFLITE, Pass.CONVERT),
    Case("basic-pitch onnx → tflite", PITCH, TFLITE, Pass.CONVERT),
)
