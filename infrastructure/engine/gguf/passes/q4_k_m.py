"""Q4_K_M: 4 bits in blocks of 256 with scales of scales, 6 bits where it matters most."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.gguf.rewrite import rewrite
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for a model that is quantized already, or one part of a split one."""
    return rewrite(source, target, "Q4_K_M", report)
