"""Q8_0: blocks of 32 weights as INT8 with one FP16 scale, 8.5 bits a weight."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.gguf.rewrite import rewrite
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for a model that is quantized already, or one part of a split one."""
    return rewrite(source, target, "Q8_0", report)
