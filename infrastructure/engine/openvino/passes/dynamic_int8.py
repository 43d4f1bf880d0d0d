"""DYNAMIC_INT8: weights as INT8 with a scale and zero point for each output channel. The plugin
quantizes activations at each run where its kernels do that, and computes in FP32 where not."""

from pathlib import Path

import nncf

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.passes import weights
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Needs no data. Raises PassSkipped without float weights."""
    report.tick(20, "quantizing weights")
    kinds = weights.compressed(source, target, nncf.CompressWeightsMode.INT8_ASYM)
    return f"{kinds.get('u8', 0):,} weights are INT8 per channel; no calibration was needed."
