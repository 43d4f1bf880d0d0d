"""CONVERT: the ONNX file's numbers in their own types; FP32 products are not rounded to TF32."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.tensorrt.build import build


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped and RuntimeError as `build` does."""
    return build(source, target, data, report) + "."
