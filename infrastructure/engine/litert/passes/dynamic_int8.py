"""DYNAMIC_INT8: weights as INT8 for each channel; activations are quantized at each run."""

from pathlib import Path

from litert_quantizer import recipe

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.litert.passes import recipes
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Needs no data. Raises PassSkipped without weights in FP32."""
    report.tick(20, "quantizing weights")
    recipes.quantized(recipes.ready(source), recipe.dynamic_wi8_afp32(), target)
    return "Weights are INT8 per channel, activations are quantized at each run."
