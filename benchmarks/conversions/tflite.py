"""TFLite in other precisions, by what the base install has."""

from benchmarks.conversions.case import Case
from benchmarks.conversions.openvino import pictures, resnet
from benchmarks.conversions.packages import in_package
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

PITCH = in_package("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.tflite")
FACE = in_package(
    "mediapipe==0.10.14",
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
)
TFLITE = ModelFormat.TFLITE

CASES = (
    Case("resnet8 tflite fp16", resnet, TFLITE, Pass.FP16, pictures),
    Case("resnet8 tflite dynamic_int8", resnet, TFLITE, Pass.DYNAMIC_INT8, pictures),
    Case("resnet8 tflite static_int8", resnet, TFLITE, Pass.STATIC_INT8, pictures),
    Case("resnet8 tflite int16x8", resnet, TFLITE, Pass.INT16X8, pictures),
    Case("basic-pitch tflite fp16", PITCH, TFLITE, Pass.FP16),
    Case("basic-pitch tflite dynamic_int8", PITCH, TFLITE, Pass.DYNAMIC_INT8),
    Case("mediapipe face tflite dynamic_int8", FACE, TFLITE, Pass.DYNAMIC_INT8),
)
