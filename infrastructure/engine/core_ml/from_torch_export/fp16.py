"""FP16: weights and arithmetic in half precision, as the Neural Engine computes."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.core_ml.from_torch_export.network import to_core_ml
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where the size of an input is not known."""
    report.tick(10, "converting to Core ML")
    return to_core_ml(source, target, data, "FP16")
