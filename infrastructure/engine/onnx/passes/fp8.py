"""FP8: weights, and with calibration data activations, as 8-bit floats E4M3 (opset 19).

    q = to_e4m3(x / s),  s = max|x| / 448        448 is the largest E4M3 number (OCP 8-bit floats)

Per output channel for weights, per tensor for activations. The pairs are written here:
ONNX Runtime's own `quantize_static` to FP8 gives networks that are wrong without saying so. A CPU
has no FP8 arithmetic: ONNX Runtime computes in FP32 between the pairs, so values are what an
accelerator would give, and times are not.
"""

from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from domain.optimization_spec import CalibrationMethod, OptimizationSpec
from infrastructure.engine.onnx.passes import calibration, integers
from infrastructure.engine.onnx.passes.half_range import name_nodes
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs

FP8_OPSET = 19
FP8_IR = 9
LARGEST = 448.0
CHANNELS = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""The axis of a weight that its output channels are on; a transposed Gemm's is the other one."""


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without weighted operators, RuntimeError below opset 19 for good."""
    model = onnx.load(source)
    with integers.workshop() as folder:
        model = integers.at_opset(model, FP8_OPSET)
        model.ir_version = max(model.ir_version, FP8_IR)
        name_nodes(model)
        weighted = _weighted(model)
        if not weighted:
            raise PassSkipped(
                "NO_WEIGHTED_OPERATORS",
                "There is no Conv, Gemm or MatMul with constant FP32 weights to quantize.",
            )
        largest = {} if data is None else _largest(model, spec, data, folder, report)
    report.tick(85, "writing the quantized model")
    _quantize_weights(model, weighted)
    activations = _quantize_activations(model, weighted, largest)
    target.write_bytes(model.SerializeToString(deterministic=True))
    how = (
        f"and {activations} activations, at ranges from calibration"
        if activations
        else "weights only; with calibration data activations are quantized too"
    )
    return f"{len(weighted)} weights are E4M3 per channel, {how}. On a CPU FP8 is emulated in FP32."


def _weighted(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    floats = {one.name for one in model.graph.initializer if one.data_type == TensorProto.FLOAT}
    return [
        node
        for node in model.graph.node
        if node.op_type in CHANNELS and len(node.input) > 1 and node.input[1] in floats
    ]


def _largest(
    model: onnx.ModelProto, spec: OptimizationSpec, data: Rows, folder: Path, report: Progress
) -> dict[str, float]:
    """max|x| of tensors, as calibration saw them."""
    prepared = folder / "prepared.onnx"
    prepared.write_bytes(model.SerializeToString())
    session = open_session(prepared, threads=1)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    how = spec.calibration
    if how.method is CalibrationMethod.BEST:  # only the extremes scale E4M3, which keeps its step
        how = replace(how, method=CalibrationMethod.MINMAX)
    ranges = calibration.Ranges(prepared, list(CHANNELS), how, found, folder, report)
    return {
        name: max(abs(float(np.min(low))), abs(float(np.max(high))))
        for name, tensor in ranges.by(how).items()
        for low, high in [tensor.range_value]
    }


def _quantize_weights(model: onnx.ModelProto, weighted: list[onnx.NodeProto]) -> None:
    graph, tensors = model.graph, {one.name: one for one in model.graph.initializer}
    made: dict[tuple[str, int], str] = {}
    pairs: list[onnx.NodeProto] = []
    for node in weighted:
        name, axis = node.input[1], _channel_axis(node)
        if (name, axis) not in made:
            matrix: NDArray[np.float32] = numpy_helper.to_array(tensors[name])
            pairs.append(_stored(graph, name, axis, matrix))
            made[name, axis] = pairs[-1].output[0]
        node.input[1] = made[name, axis]
    _put_first(graph, pairs)
    used = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    for name, _ in made:
        if name not in used and name in tensors:
            graph.initializer.remove(tensors.pop(name))


def _channel_axis(node: onnx.NodeProto) -> int:
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    return 0 if node.op_type == "Gemm" and transposed else CHANNELS[node.op_type]


def _stored(
    graph: onnx.GraphProto, name: str, axis: int, matrix: NDArray[np.float32]
) -> onnx.NodeProto:
    """The weight as E4M3 with its scales, and the DequantizeLinear that reads it."""
    axis = axis if matrix.ndim > axis else matrix.ndim - 1
    others = tuple(place for place in range(matrix.ndim) if place != axis)
    scale = np.maximum(np.abs(matrix).max(axis=others), 1e-12).astype(np.float32) / LARGEST
    shape = [-1 if place == axis else 1 for place in range(matrix.ndim)]
    small = (matrix / scale.reshape(shape)).astype(ml_dtypes.float8_e4m3fn)
    stem = f"{name}/e4m3/{axis}"
    stored = helper.make_tensor(
        stem, TensorProto.FLOAT8E4M3FN, matrix.shape, small.tobytes(), raw=True
    )
    graph.initializer.extend([stored, numpy_helper.from_array(scale, f"{stem}/scale")])
    return helper.make_node(
        "DequantizeLinear", [stem, f"{stem}/scale"], [f"{stem}/float"], name=stem, axis=axis
    )


def _quantize_activations(
    model: onnx.ModelProto, weighted: list[onnx.NodeProto], largest: dict[str, float]
) -> int:
    """A pair before the first input of each weighted operator; one pair a tensor."""
    graph, made = model.graph, dict[str, str]()
    pairs: list[onnx.NodeProto] = []
    zero = helper.make_tensor("e4m3/zero", TensorProto.FLOAT8E4M3FN, [], b"\0", raw=True)
    for node in weighted:
        name = node.input[0]
        if name not in largest:
            continue
        if name not in made:
            made[name] = f"{name}/e4m3/float"
            scale = np.array(max(largest[name], 1e-12) / LARGEST, np.float32)
            graph.initializer.append(numpy_helper.from_array(scale, f"{name}/e4m3/scale"))
            ends = [f"{name}/e4m3/scale", zero.name]
            pairs += [
                helper.make_node(
                    "QuantizeLinear", [name, *ends], [f"{name}/e4m3"], name=f"{name}/e4m3"
                ),
                helper.make_node(
                    "DequantizeLinear", [f"{name}/e4m3", *ends], [made[name]], name=made[name]
                ),
            ]
        node.input[0] = made[name]
    if pairs:
        graph.initializer.append(zero)
        _put_where_read(graph, pairs)
    return len(made)


def _put_first(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _put_where_read(graph: onnx.GraphProto, pairs: list[onnx.NodeProto]) -> None:
    """Each node after what it reads: ONNX wants graphs sorted."""
    waiting: dict[str, list[onnx.NodeProto]] = {}
    for there, back in zip(pairs[::2], pairs[1::2], strict=True):
        waiting[there.input[0]] = [there, back]
    ordered: list[onnx.NodeProto] = []
    for given in [one.name for one in graph.input]:
        ordered += waiting.pop(given, [])
    for node in list(graph.node):
        ordered.append(node)
        for name in node.output:
            ordered += waiting.pop(name, [])
    del graph.node[:]
    graph.node.extend(ordered)
