"""ONNX in other precisions, by what the base install has."""

from benchmarks.conversions.case import Case
from benchmarks.conversions.minilm import minilm, words
from benchmarks.conversions.onnx2tf import PITCH
from benchmarks.conversions.openvino import (
    CLASSIFIER,
    DETECTOR,
    EMBEDDING,
    MAGIKA,
    SPEECH,
    files_as_bytes,
)
from benchmarks.conversions.speech import spoken
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

ONNX = ModelFormat.ONNX

CASES = (
    Case("magika onnx graph", MAGIKA, ONNX, Pass.GRAPH, files_as_bytes),
    Case("magika onnx fp16", MAGIKA, ONNX, Pass.FP16, files_as_bytes),
    Case("magika onnx dynamic_int8", MAGIKA, ONNX, Pass.DYNAMIC_INT8, files_as_bytes),
    Case("magika onnx static_int8", MAGIKA, ONNX, Pass.STATIC_INT8, files_as_bytes),
    Case("magika onnx int4", MAGIKA, ONNX, Pass.INT4, files_as_bytes),
    Case("magika onnx mixed_int4", MAGIKA, ONNX, Pass.MIXED_INT4, files_as_bytes),
    Case("magika onnx fp8", MAGIKA, ONNX, Pass.FP8, files_as_bytes),
    Case("minilm onnx graph", minilm, ONNX, Pass.GRAPH, words),
    Case("minilm onnx fp16", minilm, ONNX, Pass.FP16, words),
    Case("minilm onnx dynamic_int8", minilm, ONNX, Pass.DYNAMIC_INT8, words),
    Case("minilm onnx static_int8", minilm, ONNX, Pass.STATIC_INT8, words),
    Case("minilm onnx int4", minilm, ONNX, Pass.INT4, words),
    Case("basic-pitch onnx fp16", PITCH, ONNX, Pass.FP16),
    Case("pp-ocr cls onnx fp16", CLASSIFIER, ONNX, Pass.FP16),
    Case("pp-ocr v6 det onnx fp16", DETECTOR, ONNX, Pass.FP16),
    Case("silero-vad onnx dynamic_int8", SPEECH, ONNX, Pass.DYNAMIC_INT8, spoken),
    Case("openwakeword embedding onnx fp16", EMBEDDING, ONNX, Pass.FP16),
)
