"""What scikit-learn's models become. Nothing is done to them as they are."""

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Declaration

DECLARATIONS = (
    Declaration(
        Pass.CONVERT,
        "The same model as ONNX, in FP32.",
        ModelFormat.SKOPS,
        ("skops", "skl2onnx", "onnxruntime"),
        gives=ModelFormat.ONNX,
        toolchain="sklearn",
    ),
)
