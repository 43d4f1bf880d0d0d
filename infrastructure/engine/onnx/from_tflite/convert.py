"""CONVERT: a TFLite file as ONNX, by tf2onnx, which keeps the names of inputs and outputs."""

from pathlib import Path

from tf2onnx import convert

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx.from_tf2onnx import OPSET, kept
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for operators that ONNX does not have."""
    report.tick(20, "writing ONNX")
    model, _ = convert.from_tflite(str(source), opset=OPSET)
    return kept(model, target)
