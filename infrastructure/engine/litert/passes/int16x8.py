"""INT16X8: weights as INT8 and activations as INT16, for networks that INT8 activations hurt."""

from pathlib import Path

from litert_quantizer import recipe

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.litert.passes.calibrated import apply_calibrated
from infrastructure.engine.pass_contract import Progress, Rows

STEPS = 65_535


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or weights in FP32."""
    taken = recipe.static_wi8_ai16()
    how = apply_calibrated(taken, source, target, spec, data, report, steps=STEPS)
    return f"Weights are INT8 and activations INT16, calibrated {how}."
