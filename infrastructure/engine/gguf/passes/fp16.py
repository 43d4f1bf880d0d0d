"""FP16: matrices in half precision. Values beyond ±65,504 become infinite, as the verdict tells."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.gguf.rewrite import rewrite
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for a model that is quantized already, or one part of a split one."""
    return rewrite(source, target, "F16", report)
