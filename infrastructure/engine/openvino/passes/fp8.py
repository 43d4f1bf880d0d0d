"""FP8: weights, and with calibration data activations, as 8-bit floats E4M3 (OCP 8-bit floats).

A CPU has no FP8 arithmetic: OpenVINO's CPU plugin rounds values to FP8 and computes in FP32, so
values are what an accelerator would give, and times are not.
"""

from pathlib import Path

import nncf

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.passes import calibrated, weights
from infrastructure.engine.pass_contract import Progress, Rows

EMULATED = "On a CPU FP8 is emulated in FP32."


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without float weights."""
    if data is None:
        mode = nncf.CompressWeightsMode.FP8_E4M3
        kinds = weights.compressed(source, target, mode, spec.block_size)
        return (
            f"{kinds.get('f8e4m3', 0):,} weights are E4M3 in groups of {spec.block_size}; with "
            f"calibration data activations are quantized too. {EMULATED}"
        )
    found = calibrated.rows_for(source, data, spec)
    calibrated.quantize(source, target, found, report, mode=nncf.QuantizationMode.FP8_E4M3)
    return f"{calibrated.said(target, 'by the largest value', found.rows)} {EMULATED}"
