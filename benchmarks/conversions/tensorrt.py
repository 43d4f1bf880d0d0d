"""ONNX made into TensorRT-RTX engines. Nothing here runs one: each case is BUILT."""

from benchmarks.conversions.case import Case
from benchmarks.conversions.packages import in_package
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

PITCH = in_package("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.onnx")
EMBEDDING = in_package("openwakeword==0.4.0", "openwakeword/resources/models/embedding_model.onnx")
ENGINE = ModelFormat.TENSORRT_ENGINE

CASES = (
    Case("basic-pitch onnx → tensorrt_engine", PITCH, ENGINE, Pass.CONVERT),
    Case("openwakeword embedding onnx → tensorrt_engine", EMBEDDING, ENGINE, Pass.CONVERT),
    Case("openwakeword embedding onnx → tensorrt_engine fp16", EMBEDDING, ENGINE, Pass.FP16),
)
