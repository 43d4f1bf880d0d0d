"""STATIC_INT8: weights and activations as INT8, at ranges that calibration rows showed, by NNCF's
post-training quantization (FakeQuantize layers, biases corrected)."""

from pathlib import Path

from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec
from infrastructure.engine.openvino.passes import calibrated
from infrastructure.engine.openvino.sessions import OpenVinoSession
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.ranges import trying


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """BEST tries the ways that NNCF has. Raises PassSkipped without calibration rows or float
    weights."""
    found = calibrated.rows_for(source, data, spec)
    ways = trying.tried(spec.calibration)
    if len(ways) > 1:
        ways = tuple(way for way in ways if way.method is not CalibrationMethod.ENTROPY)
    files: list[Path] = []

    def made(how: Calibration) -> Path:
        files.append(target.with_name(f"{len(files)}-{target.name}"))
        settings = calibrated.settings(spec, how)
        calibrated.quantize(source, files[-1], found, report, advanced_parameters=settings)
        return files[-1]

    kept, best = trying.nearest(ways, made, OpenVinoSession(source, threads=1), found)
    best.replace(target)
    for other in files:
        other.unlink(missing_ok=True)
    tried = f" (the nearest to the source of {len(ways)} ways tried)" if len(ways) > 1 else ""
    return calibrated.said(target, trying.said(kept, kept) + tried, found.rows)
