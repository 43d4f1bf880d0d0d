"""What the calibrated passes share: rows as NNCF's dataset, and settings as NNCF spells them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nncf
import openvino as ov
from nncf.quantization.advanced_parameters import (
    AdvancedQuantizationParameters,
    OverflowFix,
    QuantizationParameters,
)
from nncf.quantization.range_estimator import (
    AggregatorType,
    RangeEstimatorParameters,
    RangeEstimatorParametersSet,
    StatisticsCollectorParameters,
    StatisticsType,
)

from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec
from domain.variant_facts import counted
from infrastructure.engine.openvino import document
from infrastructure.engine.openvino.bundled import net_of
from infrastructure.engine.openvino.files import layer_names, write
from infrastructure.engine.openvino.passes import weights
from infrastructure.engine.openvino.sessions import OpenVinoSession
from infrastructure.engine.pass_contract import Feed, PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs

NORMALIZING = {
    "MVN", "Sqrt", "Power", "ReduceSum", "ReduceL2", "NormalizeL2", "Erf", "Gelu", "Tanh",
    "ScaledDotProductAttention",
}  # fmt: skip
ARITHMETIC = (
    "Add", "Subtract", "Multiply", "Divide", "Sqrt", "Exp", "Power", "Maximum", "Minimum",
    "ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "NormalizeL2", "SquaredDifference", "MVN",
    "Tanh", "Erf", "Gelu", "Softmax",
)  # fmt: skip
EIGHT_BITS = ("i8", "u8", "f8e4m3")


class Feeds:
    """The rows of a dataset one at a time, as often as NNCF goes through them, with progress told
    on the way from `begin` to `end` percent."""

    def __init__(self, found: inputs.Inputs, report: Progress, begin: float, end: float) -> None:
        self._found, self._report = found, report
        self._begin, self._end, self._rounds = begin, end, 0

    @property
    def rows_each(self) -> int:
        return self._found.batch

    def __len__(self) -> int:
        return self._found.rows // self._found.batch

    def __iter__(self) -> Iterator[Feed]:
        self._rounds += 1
        for number, feed in enumerate(self._found.batches()):
            share = number / len(self) if self._rounds == 1 else 1.0
            told = f"calibrating, round {self._rounds}: {number * self._found.batch:,} rows"
            self._report.tick(self._begin + (self._end - self._begin) * share, told)
            yield feed


def rows_for(source: Path, data: Rows | None, spec: OptimizationSpec) -> inputs.Inputs:
    """What the model is calibrated with. Raises PassSkipped without data."""
    if data is None:
        raise PassSkipped(
            "NO_CALIBRATION_DATA",
            "It needs to see real inputs. Give a calibration dataset of 100 or more rows.",
        )
    session = OpenVinoSession(source, threads=1)
    return inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)


def quantize(
    source: Path, target: Path, found: inputs.Inputs, report: Progress, **how: Any
) -> None:
    """By NNCF's post-training quantization; `how` is what it takes beside the data. Raises
    PassSkipped without float weights."""
    model = weights.ready(source)
    known = layer_names(model)
    feeds = Feeds(found, report, 10, 85)
    made = nncf.quantize(model, nncf.Dataset(feeds), subset_size=len(feeds), **scope(model), **how)
    report.tick(90, "writing the quantized model")
    write(made, target, known)
    weights.changed(source, target)


def scope(model: ov.Model) -> dict[str, Any]:
    """Which layers NNCF is to leave alone. Arithmetic between layers is covered in networks without
    normalization alone: where values are normalized at run time (a layer norm, also one spelled out
    in its parts) ranges are wide, and 256 steps for them cost everything. Magika tells
    none of 240 files as its source does with that arithmetic in INT8, and 239 without."""
    kinds = {one.get_type_name() for one in model.get_ops()}
    if not kinds & NORMALIZING:
        return {}
    return {
        "model_type": nncf.ModelType.TRANSFORMER,
        "ignored_scope": nncf.IgnoredScope(types=list(ARITHMETIC), validate=False),
    }


def settings(spec: OptimizationSpec, how: Calibration) -> AdvancedQuantizationParameters:
    """Ranges as `how` has them and scales as the spec has. Raises PassSkipped for a way of
    calibration that NNCF does not have."""
    found = AdvancedQuantizationParameters(activations_range_estimator_params=_ranges(how))
    if not spec.per_channel:
        found.weights_quantization_params = QuantizationParameters(per_channel=False)
    if spec.reduce_range:
        found.overflow_fix = OverflowFix.ENABLE
    return found


def _ranges(how: Calibration) -> RangeEstimatorParameters:
    """A percentile is the mean of each row's; the least squared error is that of a histogram."""
    if how.method is CalibrationMethod.MINMAX:
        return RangeEstimatorParametersSet.MINMAX
    if how.method is CalibrationMethod.MSE:
        return RangeEstimatorParametersSet.HISTOGRAM
    if how.method is CalibrationMethod.PERCENTILE:
        one = StatisticsCollectorParameters(
            statistics_type=StatisticsType.QUANTILE,
            aggregator_type=AggregatorType.MEAN,
            quantile_outlier_prob=1 - how.percentile / 100,
        )
        return RangeEstimatorParameters(min=one, max=one)
    raise PassSkipped(
        "CALIBRATION_METHOD",
        f"NNCF knows no {how.method} for this pass; use MINMAX, PERCENTILE or MSE.",
    )


def said(target: Path, calibrated: str, rows: int) -> str:
    """Counted in the file that was made."""
    net = net_of(target)
    left = document.left_float(net)
    small = sum(size for kind, size in document.constant_types(net).items() if kind in EIGHT_BITS)
    kept = f"; {counted(left)} stayed in float" if left else ""
    return (
        f"{small:,} weights have 8 bits{kept}; activations calibrated {calibrated} on "
        f"{rows:,} rows."
    )
