"""BF16: matrices in the upper half of FP32, with its range and 8 bits of precision."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.gguf.rewrite import rewrite
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for a model that is quantized already, or one part of a split one."""
    return rewrite(source, target, "BF16", report)
