"""STATIC_INT8: weights and activations as INT8 with explicit QuantizeLinear/DequantizeLinear pairs.

TensorRT multiplies signed by signed without zero points, so both are symmetric here, unlike in the
ONNX pass for CPUs; biases stay in floats, which it adds in FP32.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data
from onnxruntime.quantization.shape_inference import quant_pre_process

from domain.optimization_spec import Calibration, OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import calibration, integers
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs
from infrastructure.engine.ranges import trying
from infrastructure.engine.tensorrt.build import build

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or without weighted operators, and what `build`
    raises."""
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
    target = target.resolve()
    with integers.workshop() as folder:
        prepared = folder / "prepared.onnx"
        _prepare(model, prepared)
        quantized, how = _quantize(prepared, source, spec, data, report)
        pairs = onnx_graph.operators(onnx.load(quantized)).get("DequantizeLinear", 0)
        said = build(quantized, target, data, report)
    scales = "per channel" if spec.per_channel else "per tensor"
    kinds = f"weights INT8 {scales}, activations INT8 symmetric"
    return f"{said}; {pairs} DequantizeLinear nodes, {kinds}, {how}."


def _prepare(model: onnx.ModelProto, prepared: Path) -> None:
    given = prepared.with_name("given.onnx")
    onnx.save(integers.at_opset(model, integers.PER_CHANNEL_OPSET), given)
    quant_pre_process(given, str(prepared), skip_symbolic_shape=True)


def _quantize(
    prepared: Path, source: Path, spec: OptimizationSpec, data: Rows, report: Progress
) -> tuple[Path, str]:
    """The quantized file beside `prepared`, and how it was calibrated, in words. Which ranges are
    nearest ONNX Runtime tells, on this CPU."""
    folder, has = prepared.parent, onnx_graph.operators(onnx.load(prepared))
    operators = [name for name in WEIGHTED if name in has]
    session = open_session(prepared, threads=1)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    ranges = calibration.Ranges(prepared, operators, spec.calibration, found, folder, report)

    def made(way: Calibration) -> Path:
        stem = folder / f"{way.method.lower()}-{way.percentile:g}"
        return _written(prepared, stem, spec, operators, ranges.by(way))

    ways = trying.tried(spec.calibration)
    kept, file = trying.nearest(ways, made, open_session(source, threads=1), found)
    return file, f"{trying.said(spec.calibration, kept)} on {found.rows:,} rows"


def _written(
    prepared: Path, stem: Path, spec: OptimizationSpec, operators: list[str], ranges: TensorsData
) -> Path:
    told, made = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.onnx")
    save_tensors_data(ranges, told)
    quantize_static(
        str(prepared),
        str(made),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=operators,
        per_channel=spec.per_channel,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=told,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
    )
    return made
