"""FP16: weights and arithmetic in half precision, inputs and outputs as they were.

Half precision ends at 65,504, so sums of squares and exponentials can overflow: nodes that were
seen to give or read more on a few rows stay in FP32. When that does not load, or its outputs are
not near the source's (cosine NEAR), a second try keeps all operators that accumulate (SENSITIVE) in
FP32, and the nearer of both is taken. Whether that is near enough is the verdict's to say.
Weights below 6e-8 become that, weights beyond ±65,504 become that, instead of 0 and infinity.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxconverter_common import float16

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import half_range
from infrastructure.engine.onnx.passes.idle_casts import without_idle_casts
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Feed, PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs

SMALLEST = 5.97e-8
SENSITIVE = (
    "Exp", "Log", "Pow", "Sqrt", "Reciprocal", "Div", "Softmax", "LogSoftmax", "LayerNormalization",
    "InstanceNormalization", "ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL2", "Erf",
    "ReduceLogSumExp", "Softplus", "CumSum", "STFT", "DFT",
)  # fmt: skip
OWN_TYPE = ("ConstantOfShape",)
"""What the converter declares as FP16 and leaves as it is: it stays in FP32, a Cast after it."""
TYPED = ("Cast", "CastLike", *OWN_TYPE)
CONTROL_FLOW = ("If", "Loop", "Scan")
PROBES = 4
NEAR = 0.999


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without FP32 weights and where control flow is in the way, RuntimeError
    when no try runs."""
    model = without_idle_casts(onnx.load(source))
    weights = sum(tensor.data_type == TensorProto.FLOAT for tensor in onnx_graph.tensors(model))
    if not weights:
        raise PassSkipped(
            "NO_FP32_WEIGHTS",
            "No constant of this model is FP32, so FP16 has nothing to convert. Start from the "
            "model as it was trained.",
        )
    probes = _probes(source, data)
    with tempfile.TemporaryDirectory() as folder:
        half_range.name_nodes(model)
        large = half_range.beyond_half(model, probes, Path(folder))
    tries = [(), tuple(name for name in SENSITIVE if name in onnx_graph.operators(model))]
    best, said, trouble = -2.0, "", ""
    for number, kept in enumerate(tries if tries[1] else tries[:1]):
        report.tick(20 + 40 * number, "converting to FP16")
        attempt = target.with_name(f"{target.name}.{number}")
        try:
            attempt.write_bytes(
                _converted(model, kept, large).SerializeToString(deterministic=True)
            )
            near = _nearness(source, attempt, probes)
        except Exception as error:  # each try's libraries raise as they like
            near, trouble = -3.0, f"{type(error).__name__}: {str(error)[:300]}"
        if near > best:
            best, said = near, _said(weights, kept, large)
            attempt.replace(target)
        attempt.unlink(missing_ok=True)
        if best >= NEAR:
            return said
    flow = [name for name in CONTROL_FLOW if name in onnx_graph.operators(model)]
    if not said and flow:
        raise PassSkipped(
            "CONTROL_FLOW",
            f"What the subgraphs of {flow[0]} read from outside cannot be converted "
            f"({trouble[:200]}). Export the model without control flow, or use an INT8 pass.",
        )
    if not said:
        raise RuntimeError(f"the converted model does not work: {trouble}")
    return said


def _converted(source: onnx.ModelProto, kept: tuple[str, ...], large: list[str]) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(source)
    _part_outputs(model.graph)
    _unshare(model.graph, {*float16.DEFAULT_OP_BLOCK_LIST, *OWN_TYPE, *kept}, set(large))
    casts = {
        node.output[0]
        for node in onnx_graph.nodes(model)
        if node.op_type == "Cast" and _to(node).i == TensorProto.FLOAT
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: onnx.ModelProto = float16.convert_float_to_float16(
            model,
            min_positive_val=SMALLEST,
            max_finite_val=half_range.LARGEST,
            keep_io_types=True,
            op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, *OWN_TYPE, *kept],
            node_block_list=large,
            check_fp16_ready=False,
        )
    _retarget(made, casts)
    return made


def _part_outputs(graph: onnx.GraphProto) -> None:
    """An output of the model that its own nodes read too gets a node to itself: the converter casts
    it back to FP32 for both, and the readers expect FP16. So does one whose maker says which type
    it gives, and would be declared as another."""
    outputs = {one.name for one in graph.output}
    read = {name for node in onnx_graph.nodes_in(graph) for name in node.input}
    makers = {
        name: node
        for node in graph.node
        for name in outputs.intersection(node.output)
        if name in read or node.op_type in TYPED
    }
    for name, maker in makers.items():
        inner = f"{name}/inner"
        for node in onnx_graph.nodes_in(graph):
            for place, given in enumerate(node.input):
                if given == name:
                    node.input[place] = inner
        maker.output[list(maker.output).index(name)] = inner
        graph.node.append(helper.make_node("Identity", [inner], [name], name=f"{name}/output"))


def _unshare(graph: onnx.GraphProto, operators: set[str], names: set[str]) -> None:
    """Nodes that stay in FP32 get constants of their own: the converter leaves a shared one in
    FP32 for its other readers too, which does not load."""
    floats = {one.name: one for one in graph.initializer if one.data_type == TensorProto.FLOAT}
    stay = [node for node in graph.node if node.op_type in operators or node.name in names]
    for node in stay:
        for place, name in enumerate(node.input):
            if name in floats:
                copy = graph.initializer.add()
                copy.CopyFrom(floats[name])
                copy.name = f"{name}/{node.name or node.output[0]}"
                node.input[place] = copy.name
    used = {name for node in onnx_graph.nodes_in(graph) for name in node.input}
    used |= {one.name for one in graph.output}
    for name in [one for one in floats if one not in used]:
        graph.initializer.remove(floats[name])


def _retarget(model: onnx.ModelProto, casts: set[str]) -> None:
    """The converter declares the results of the source's own Casts as FP16 and leaves the Casts
    themselves at FP32, which does not load."""
    outputs = {one.name for one in model.graph.output}
    for node in onnx_graph.nodes(model):
        if node.op_type == "Cast" and node.output[0] in casts - outputs:
            _to(node).i = TensorProto.FLOAT16


def _to(node: onnx.NodeProto) -> onnx.AttributeProto:
    attributes = {one.name: one for one in node.attribute}
    found: onnx.AttributeProto = attributes["to"]
    return found


def _probes(source: Path, data: Rows | None) -> list[Feed]:
    session = open_session(source, threads=1)
    found = inputs.inputs_for(session, data, limit=PROBES, batch=1)
    return [feed for feed, _ in zip(found.batches(), range(PROBES), strict=False)]


def _nearness(source: Path, target: Path, probes: list[Feed]) -> float:
    """The worst cosine of any float output on any probe; −1 where numbers became NaN or infinite.
    Raises RuntimeError when a type changed, and ONNX Runtime's errors when it does not run."""
    was, is_now = open_session(source, threads=1), open_session(target, threads=1)
    worst = 1.0
    for feed in probes:
        outputs = zip(was.run(None, feed), is_now.run(None, feed), strict=True)
        for meta, (before, after) in zip(was.get_outputs(), outputs, strict=True):
            if getattr(before, "dtype", None) != getattr(after, "dtype", None):
                raise RuntimeError(f"output {meta.name} changed its type")
            if isinstance(before, np.ndarray) and before.dtype.kind == "f":
                worst = min(worst, _cosine(before, after))
    return worst


def _cosine(before: NDArray[Any], after: NDArray[Any]) -> float:
    sound = np.isfinite(before)
    one, other = before[sound].astype(np.float64), after[sound].astype(np.float64)
    if not np.isfinite(other).all():
        return -1.0
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else float(np.array_equal(one, other))


def _said(weights: int, kept: tuple[str, ...], large: list[str]) -> str:
    said = f"{weights} constants were converted to FP16"
    if large:
        said += f"; {len(large)} nodes stay in FP32, whose values are beyond 65,504"
    if kept:
        said += f"; {', '.join(kept)} stay in FP32, which are not near otherwise"
    return f"{said}. Inputs and outputs keep their types."
