"""PALETTIZE: each weight as a place, of 4 bits, in a palette of 16 values found by k-means."""

from pathlib import Path

from coremltools.optimize import coreml

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.core_ml.compress import compressed
from infrastructure.engine.pass_contract import Progress, Rows

BITS = 4


def apply(
    source: Path, target: Path, _spec: OptimizationSpec, _data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where there are no weights to speak of."""
    report.tick(10, "finding palettes")
    how = coreml.OpPalettizerConfig(mode="kmeans", nbits=BITS)
    config = coreml.OptimizationConfig(global_config=how)
    what = f"palettes of {2**BITS} values"
    return compressed(source, target, lambda model: coreml.palettize_weights(model, config), what)
