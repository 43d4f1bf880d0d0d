"""A model with explicit QuantizeLinear/DequantizeLinear pairs (QDQ) at ranges that calibration rows
showed: what static INT8 shares, whatever runtime the pairs are for.

What is particular to a runtime is its `Recipe`. ONNX Runtime's quantizer writes the pairs; it is
handed the ranges, and does not look for them itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data
from onnxruntime.quantization.shape_inference import quant_pre_process

from domain.optimization_spec import Calibration, OptimizationSpec
from infrastructure.engine.onnx.passes import calibration, gemm, integers
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.proof.inputs import Inputs
from infrastructure.engine.ranges import trying

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def _as_it_is(_made: Path) -> None: ...


@dataclass(frozen=True)
class Recipe:
    """`operators` are quantized, as `options` of `quantize_static` say beside the ranges; `finish`
    changes the file that it wrote, in place."""

    operators: list[str]
    options: Mapping[str, Any]
    finish: Callable[[Path], None] = field(default=_as_it_is)


def to_quantize(source: Path, data: Rows | None) -> tuple[onnx.ModelProto, Rows]:
    """The model, and the rows that are there for sure. Raises PassSkipped without calibration rows
    or without weighted operators."""
    if data is None:
        raise PassSkipped(
            "NO_CALIBRATION_DATA",
            "Static INT8 needs to see real inputs. Give a calibration dataset of 100 or more rows.",
        )
    model = onnx.load(source)
    if not integers.constant_weights(model, WEIGHTED):
        raise PassSkipped(
            "NO_WEIGHTED_OPERATORS",
            "There is no Conv, Gemm or MatMul with constant weights to quantize.",
        )
    return model, data


def prepare(model: onnx.ModelProto, prepared: Path, symbolic: bool = True) -> None:
    """Writes it at opset 13, shape-inferred and folded, each Gemm as the quantizer takes it.
    Symbolic shape inference does not know every operator; the model then goes without. It gets a
    path: of a model in memory it would move the weights out to a file that does not exist."""
    given = prepared.with_name("given.onnx")
    given.write_bytes(integers.at_opset(model, integers.PER_CHANNEL_OPSET).SerializeToString())
    try:
        quant_pre_process(given, str(prepared), skip_symbolic_shape=not symbolic)
    except Exception:  # sympy, onnx and ONNX Runtime raise what they like
        if not symbolic:
            raise
        quant_pre_process(given, str(prepared), skip_symbolic_shape=True)
    folded = onnx.load(prepared)
    gemm.settle_biases(folded.graph)
    prepared.write_bytes(folded.SerializeToString())


def nearest(
    prepared: Path,
    source: Path,
    spec: OptimizationSpec,
    recipe: Recipe,
    calibrating: Inputs,
    comparing: Inputs,
    report: Progress,
) -> tuple[Path, str]:
    """The quantized file beside `prepared`, and how it was calibrated, in words. Where several ways
    are tried, ONNX Runtime on this CPU tells which is nearest to the source."""
    folder = prepared.parent
    ranges = calibration.Ranges(
        prepared, recipe.operators, spec.calibration, calibrating, folder, report
    )
    report.tick(85, "writing the quantized model")

    def made(way: Calibration) -> Path:
        stem = folder / f"{way.method.lower()}-{way.percentile:g}"
        return _written(prepared, stem, spec, recipe, ranges.by(way))

    ways = trying.tried(spec.calibration)
    kept, file = trying.nearest(ways, made, open_session(source, threads=1), comparing)
    return file, f"{trying.said(spec.calibration, kept)} on {calibrating.rows:,} rows"


def _written(
    prepared: Path, stem: Path, spec: OptimizationSpec, recipe: Recipe, ranges: TensorsData
) -> Path:
    told, made = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.onnx")
    save_tensors_data(ranges, told)
    options = dict(recipe.options)
    whole = _of_one_scale(onnx.load(prepared)) if spec.per_channel else {}
    if whole:
        extra = options.get("extra_options", {})
        options["extra_options"] = {**extra, "TensorQuantOverrides": whole}
    quantize_static(
        str(prepared),
        str(made),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=recipe.operators,
        per_channel=spec.per_channel,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=told,
        **options,
    )
    recipe.finish(made)
    return made


def _of_one_scale(model: onnx.ModelProto) -> dict[str, list[dict[str, Any]]]:
    """Weights that are quantized per tensor though per channel was asked for, as the quantizer is
    told of them: a kernel takes scales of columns for a matrix alone, not for a stack of them."""
    names = integers.stacked(model)
    return {name: [{"quant_type": QuantType.QInt8, "symmetric": True}] for name in sorted(names)}
