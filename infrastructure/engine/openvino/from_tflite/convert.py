"""CONVERT: a TFLite model as OpenVINO IR, its numbers as they are."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.conversion import converted
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Needs no data. Raises PassSkipped for operators that OpenVINO cannot take."""
    report.tick(10, "converting to OpenVINO IR")
    model = converted(source, ".tflite", (), target)
    return f"OpenVINO IR with {len(model.get_ops()):,} layers, the numbers as they are."
