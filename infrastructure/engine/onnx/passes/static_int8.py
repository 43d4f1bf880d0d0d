"""STATIC_INT8: weights and activations as INT8 with QuantizeLinear/DequantizeLinear pairs (QDQ),
at ranges that calibration rows showed.

Covered are the operators with weights, and those that only move values between them. Operators
whose results need resolution (Softmax, normalizations, arithmetic outside plain convolutional
networks) stay in float, and so does what the last weighted operator gives: a
class score in 256 steps would make ties. The model is brought to opset 13, shape-inferred and
folded first.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import (
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data
from onnxruntime.quantization.shape_inference import (
    quant_pre_process,
)

from domain.optimization_spec import Calibration, OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import calibration, integers
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs
from infrastructure.engine.ranges import trying

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
MOVING = (
    "Relu", "Clip", "MaxPool", "AveragePool", "Reshape", "Transpose", "Squeeze", "Unsqueeze",
    "Flatten",
)  # fmt: skip
MIXING = ("Add", "Concat", "GlobalAveragePool")
NORMALIZING = (
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "Erf", "Sqrt",
    "Reciprocal", "Pow", "ReduceMean", "ReduceSum", "Tanh", "Gelu",
)  # fmt: skip
MOST_ROWS_AT_ONCE = 4
"""Calibration keeps every tensor between two nodes for one feed, which can be hundreds of times
the input."""


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or without weighted operators."""
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
        file, how = _quantize(prepared, source, spec, data, report)
        target.write_bytes(file.read_bytes())
    return _said(spec, onnx.load(target), how)


def _prepare(model: onnx.ModelProto, prepared: Path) -> None:
    """Symbolic shape inference does not know every operator; the model then goes without. It gets
    a path: of a model in memory it would move the weights out to a file that does not exist."""
    given = prepared.with_name("given.onnx")
    given.write_bytes(integers.at_opset(model, integers.PER_CHANNEL_OPSET).SerializeToString())
    try:
        quant_pre_process(given, str(prepared))
    except Exception:  # sympy, onnx and ONNX Runtime raise what they like
        quant_pre_process(given, str(prepared), skip_symbolic_shape=True)
    folded = onnx.load(prepared)
    _flatten_biases(folded.graph)
    prepared.write_bytes(folded.SerializeToString())


def _flatten_biases(graph: onnx.GraphProto) -> None:
    """A Gemm's bias of shape [1, N] means the same as [N]; the quantizer only takes the latter."""
    biases = {node.input[2] for node in graph.node if node.op_type == "Gemm" and node.input[2:]}
    others = {name for node in graph.node for name in node.input if node.op_type != "Gemm"}
    for tensor in graph.initializer:
        flat = len(tensor.dims) == 2 and tensor.dims[0] == 1
        if flat and tensor.name in biases - others:
            del tensor.dims[0]
    shapes = {tensor.name: tensor for tensor in graph.initializer}
    for info in [one for one in graph.value_info if one.name in shapes]:
        graph.value_info.remove(info)


def _quantize(
    prepared: Path, source: Path, spec: OptimizationSpec, data: Rows, report: Progress
) -> tuple[Path, str]:
    """The quantized file beside `prepared`, and how it was calibrated, in words."""
    operators = _operators(onnx.load(prepared))
    session = open_session(prepared, threads=1)
    one = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    batch = inputs.rows_at_once(one.first_row(), MOST_ROWS_AT_ONCE)
    batch = min(batch, data.rows, spec.calibration.samples)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=batch)
    report.tick(10, f"calibrating with {found.rows:,} rows")
    folder = prepared.parent
    ranges = calibration.Ranges(prepared, operators, spec.calibration, found, folder, report)
    report.tick(85, "writing the quantized model")

    def made(way: Calibration) -> Path:
        name = f"{way.method.lower()}-{way.percentile:g}"
        return _written(prepared, folder / name, spec, operators, ranges.by(way))

    ways = trying.tried(spec.calibration)
    kept, file = trying.nearest(ways, made, open_session(source, threads=1), one)
    return file, f"{trying.said(spec.calibration, kept)} on {found.rows:,} rows"


def _written(
    prepared: Path, stem: Path, spec: OptimizationSpec, operators: list[str], ranges: TensorsData
) -> Path:
    """At these ranges, with the results of the model in float."""
    told, made = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.onnx")
    save_tensors_data(ranges, told)
    quantize_static(
        str(prepared),
        str(made),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=operators,
        per_channel=spec.per_channel,
        reduce_range=integers.seven_bits(spec),
        activation_type=integers.activation_type(),
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=told,
    )
    model = onnx.load(made)
    _keep_results_float(model)
    made.write_bytes(model.SerializeToString(deterministic=True))
    return made


def _operators(model: onnx.ModelProto) -> list[str]:
    """Arithmetic between layers is covered in plain convolutional networks alone. Where values are
    normalized at run time (a layer norm, also one spelled out in its parts) ranges are wide, and
    256 steps for them cost accuracy."""
    has = onnx_graph.operators(model)
    plain = "Conv" in has and not any(name in has for name in NORMALIZING)
    return [name for name in (*WEIGHTED, *MOVING, *(MIXING if plain else ())) if name in has]


def _keep_results_float(model: onnx.ModelProto) -> None:
    """Takes out QuantizeLinear → DequantizeLinear behind a MatMul or Gemm whose result goes only
    to float operators or out of the model: INT8 kernels can give float results themselves."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    outputs = {one.name for one in graph.output}
    taken = []
    for back in [node for node in graph.node if node.op_type == "DequantizeLinear"]:
        there = makers.get(back.input[0])
        maker = makers.get(there.input[0]) if there and there.op_type == "QuantizeLinear" else None
        if there is None or maker is None or maker.op_type not in ("MatMul", "Gemm"):
            continue
        single = len(users[there.output[0]]) == 1 and len(users[there.input[0]]) == 1
        readers = users.get(back.output[0], [])
        if single and not any(one.op_type in (*WEIGHTED, *MOVING, *MIXING) for one in readers):
            _bypass(maker, there, back, readers, back.output[0] in outputs)
            taken += [there, back]
    for node in taken:
        graph.node.remove(node)
    _drop_unused(graph)


def _bypass(
    maker: onnx.NodeProto,
    there: onnx.NodeProto,
    back: onnx.NodeProto,
    readers: list[onnx.NodeProto],
    is_output: bool,
) -> None:
    """The output of a model keeps its name, so the maker takes it."""
    if is_output:
        maker.output[0] = back.output[0]
        return
    for reader in readers:
        for place, name in enumerate(reader.input):
            if name == back.output[0]:
                reader.input[place] = there.input[0]


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in onnx_graph.nodes_in(graph) for name in node.input}
    used |= {one.name for one in graph.output}
    for tensor in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(tensor)


def _said(spec: OptimizationSpec, made: onnx.ModelProto, how: str) -> str:
    pairs = onnx_graph.operators(made).get("DequantizeLinear", 0)
    kind = "unsigned" if integers.activation_type() == QuantType.QUInt8 else "signed"
    return (
        f"QDQ with {pairs} DequantizeLinear nodes, {integers.said(spec)}, {kind} activations "
        f"calibrated {how}."
    )
