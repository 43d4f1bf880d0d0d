"""What STATIC_INT8 and INT16X8 share: calibration rows in, a fully integer file out."""

from pathlib import Path

from domain.optimization_spec import CalibrationMethod, OptimizationSpec
from infrastructure.engine.litert.passes import recipes
from infrastructure.engine.litert.sessions import LiteRtSession
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs


def apply_calibrated(
    recipe: recipes.Recipe,
    source: Path,
    target: Path,
    spec: OptimizationSpec,
    data: Rows | None,
    report: Progress,
) -> int:
    """How many rows were seen. Raises PassSkipped without data, or for another way of
    calibration than litert-quantizer's own (a moving average of the extremes)."""
    if data is None:
        raise PassSkipped(
            "NO_CALIBRATION_DATA",
            "It needs to see real inputs. Give a calibration dataset of 100 or more rows.",
        )
    if spec.calibration.method is not CalibrationMethod.MINMAX:
        raise PassSkipped(
            "CALIBRATION_METHOD",
            f"litert-quantizer knows no {spec.calibration.method}; use MINMAX for TFLite.",
        )
    model = recipes.ready(source)
    session = LiteRtSession(source, threads=1)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    stored = {one.name: one for one in session.get_inputs()}
    report.tick(10, f"calibrating with {found.rows:,} rows")
    feeds = recipes.Rereadable(
        lambda: (
            {name: stored[name].stored(value) for name, value in feed.items()}
            for feed in found.batches()
        )
    )
    recipes.quantized(model, recipe, target, feeds)
    return found.rows
