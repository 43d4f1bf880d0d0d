"""Which nodes of a network give values that half precision cannot hold.

Seen by running the source on a few rows with every float tensor as an output. A CPU without
half-precision kernels would not show it: there ONNX Runtime computes in FP32 between casts, and the
file would overflow first on the GPU or NPU that it is for. Readers of such a value are named too,
or the value would be cast to half on its way to them.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto

from infrastructure.engine.pass_contract import Feed

LARGEST = 65_504.0


def name_nodes(model: onnx.ModelProto) -> None:
    """Gives every node of the main graph a name of its own, by its place where it has none."""
    taken: set[str] = set()
    for place, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{place}"
        taken.add(node.name)


def beyond_half(model: onnx.ModelProto, probes: list[Feed], folder: Path) -> list[str]:
    """Names of nodes (see `name_nodes`) that should stay in FP32, in the order of the graph."""
    large = _large_tensors(model, probes, folder)
    return [
        node.name
        for node in model.graph.node
        if large.intersection(node.output) or large.intersection(node.input)
    ]


def _large_tensors(model: onnx.ModelProto, probes: list[Feed], folder: Path) -> set[str]:
    open_model = onnx.shape_inference.infer_shapes(model)
    known = {one.name for one in open_model.graph.output}
    made = {name for node in open_model.graph.node for name in node.output}
    for info in open_model.graph.value_info:
        floats = info.type.tensor_type.elem_type == TensorProto.FLOAT
        if floats and info.name in made - known:
            open_model.graph.output.append(info)
    file = folder / "opened.onnx"
    file.write_bytes(open_model.SerializeToString())
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs() if one.type == "tensor(float)"]
    large: set[str] = set()
    for feed in probes:
        for name, value in zip(names, session.run(names, feed), strict=True):
            sound = value[np.isfinite(value)]
            if sound.size and float(np.abs(sound).max()) > LARGEST:
                large.add(name)
    return large
