"""DYNAMIC_INT8: weights as INT8, symmetric; what is computed with them stays in floats."""

from pathlib import Path

from coremltools.optimize import coreml

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.core_ml.compress import compressed
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where there are no weights to speak of."""
    report.tick(10, "quantizing weights")
    scales = "per_channel" if spec.per_channel else "per_tensor"
    how = coreml.OpLinearQuantizerConfig(mode="linear_symmetric", granularity=scales)
    config = coreml.OptimizationConfig(global_config=how)
    what = f"INT8 with scales {scales.replace('_', ' ')}"
    return compressed(
        source, target, lambda model: coreml.linear_quantize_weights(model, config), what
    )
