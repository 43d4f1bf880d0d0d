"""ACCURACY_INT8: STATIC_INT8, then those layers back to float that cost most, until the model
loses no more than `max_drop` on the calibration rows (NNCF's quantization with accuracy control).

What is lost is told by `worth`: from labels of the calibration data where there are any, else from
the source's own answers. The evaluation data are not looked at: they judge the result afterwards.
"""

from pathlib import Path

import nncf
from nncf.quantization.advanced_parameters import AdvancedAccuracyRestorerParameters

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.files import layer_names, write
from infrastructure.engine.openvino.passes import calibrated, weights
from infrastructure.engine.openvino.passes.worth import Items, Judge
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.ranges import trying

RANKED_ON = 64
"""Rows that layers are ranked on by what they cost: each layer is tried on each."""


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or float weights."""
    found = calibrated.rows_for(source, data, spec)
    assert data is not None
    settings = calibrated.settings(spec, spec.calibration)
    model = weights.ready(source)
    known = layer_names(model)
    items = Items(calibrated.Feeds(found, report, 40, 85), data.labels(found.rows))
    judge = Judge(source, next(iter(items)))
    made = nncf.quantize_with_accuracy_control(
        model,
        nncf.Dataset(calibrated.Feeds(found, report, 10, 40)),
        nncf.Dataset(items, lambda one: one.feed),
        judge,
        max_drop=spec.max_drop,
        subset_size=len(items),
        **calibrated.scope(model),
        advanced_quantization_parameters=settings,
        advanced_accuracy_restorer_parameters=AdvancedAccuracyRestorerParameters(
            num_ranking_workers=1, ranking_subset_size=RANKED_ON
        ),
    )
    report.tick(90, "writing the quantized model")
    write(made, target, known)
    weights.changed(source, target)
    how = trying.said(spec.calibration, spec.calibration)
    by = "their labels" if judge.labelled else "the source's answers"
    return (
        f"{calibrated.said(target, how, found.rows)} At most {spec.max_drop:.2%} was to be lost, "
        f"judged by {by}."
    )
