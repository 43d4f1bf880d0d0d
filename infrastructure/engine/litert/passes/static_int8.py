"""STATIC_INT8: weights and activations as INT8, inputs and outputs too, at calibrated ranges."""

from pathlib import Path

from litert_quantizer import recipe

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.litert.passes.calibrated import apply_calibrated
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or weights in FP32."""
    how = apply_calibrated(recipe.static_wi8_ai8(), source, target, spec, data, report)
    return f"Weights and activations are INT8, calibrated {how}."
