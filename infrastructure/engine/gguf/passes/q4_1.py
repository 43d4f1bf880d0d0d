"""Q4_1: blocks of 32 weights in 4 bits with an FP16 scale and offset, 5 bits a weight."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.gguf.rewrite import rewrite
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for a model that is quantized already, or one part of a split one."""
    return rewrite(source, target, "Q4_1", report)
