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
from onnxruntime.quantization import QuantType

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import calibration_batch, integers, qdq
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.proof import inputs

WEIGHTED = qdq.WEIGHTED
MOVING = (
    "Relu", "Clip", "MaxPool", "AveragePool", "Reshape", "Transpose", "Squeeze", "Unsqueeze",
    "Flatten",
)  # fmt: skip
MIXING = ("Add", "Concat", "GlobalAveragePool")
NORMALIZING = (
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "Erf", "Sqrt",
    "Reciprocal", "Pow", "ReduceMean", "ReduceSum", "Tanh", "Gelu",
)  # fmt: skip


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or without weighted operators."""
    model, rows = qdq.to_quantize(source, data)
    target = target.resolve()
    with integers.workshop() as folder:
        prepared = folder / "prepared.onnx"
        qdq.prepare(model, prepared)
        file, how = _quantize(prepared, source, spec, rows, report)
        target.write_bytes(file.read_bytes())
    stacks = len(integers.stacked(model)) if spec.per_channel else 0
    return _said(spec, onnx.load(target), how, stacks)


def _quantize(
    prepared: Path, source: Path, spec: OptimizationSpec, data: Rows, report: Progress
) -> tuple[Path, str]:
    """The quantized file beside `prepared`, and how it was calibrated, in words."""
    model = onnx.load(prepared)
    operators = _operators(model)
    session = open_session(prepared, threads=1)
    one = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    batch = calibration_batch.rows_at_once(model, operators, one.first_row())
    batch = min(batch, data.rows, spec.calibration.samples)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=batch)
    report.tick(10, f"calibrating with {found.rows:,} rows")
    recipe = qdq.Recipe(
        operators,
        {
            "reduce_range": integers.seven_bits(spec),
            "activation_type": integers.activation_type(),
        },
        _keep_results_float,
    )
    return qdq.nearest(prepared, source, spec, recipe, found, one, report)


def _operators(model: onnx.ModelProto) -> list[str]:
    """Arithmetic between layers is covered in plain convolutional networks alone. Where values are
    normalized at run time (a layer norm, also one spelled out in its parts) ranges are wide, and
    256 steps for them cost accuracy."""
    has = onnx_graph.operators(model)
    plain = "Conv" in has and not any(name in has for name in NORMALIZING)
    return [name for name in (*WEIGHTED, *MOVING, *(MIXING if plain else ())) if name in has]


def _keep_results_float(made: Path) -> None:
    """Takes out QuantizeLinear → DequantizeLinear behind a MatMul or Gemm whose result goes only
    to float operators or out of the model: INT8 kernels can give float results themselves."""
    model = onnx.load(made)
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
    made.write_bytes(model.SerializeToString(deterministic=True))


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


def _said(spec: OptimizationSpec, made: onnx.ModelProto, how: str, stacks: int) -> str:
    pairs = onnx_graph.operators(made).get("DequantizeLinear", 0)
    kind = "unsigned" if integers.activation_type() == QuantType.QUInt8 else "signed"
    return (
        f"QDQ with {pairs} DequantizeLinear nodes, {integers.said(spec, stacks)}, "
        f"{kind} activations calibrated {how}."
    )
