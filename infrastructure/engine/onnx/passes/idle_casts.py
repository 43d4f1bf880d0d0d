"""Casts that change nothing: to FP32 of what is FP32 already, as exporters of functions leave them.

The FP16 converter stumbles over one that is read more than once (an AttributeError in its
`remove_unnecessary_cast_node`).
"""

import onnx
from onnx import TensorProto

from infrastructure.engine.onnx import graph as onnx_graph


def without_idle_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place: readers of such a Cast read what it reads. Those that give an
    output of the graph, or feed a subgraph, stay."""
    types = _types(model)
    kept = {one.name for one in model.graph.output} | _read_below(model)
    instead: dict[str, str] = {}
    for node in list(model.graph.node):
        for place, name in enumerate(node.input):
            node.input[place] = instead.get(name, name)
        if _is_idle(node, types) and node.output[0] not in kept:
            instead[node.output[0]] = node.input[0]
            model.graph.node.remove(node)
    return model


def _is_idle(node: onnx.NodeProto, types: dict[str, int]) -> bool:
    if node.op_type != "Cast" or node.domain not in onnx_graph.DEFAULT_DOMAINS:
        return False
    to = next((one.i for one in node.attribute if one.name == "to"), None)
    return to == TensorProto.FLOAT and types.get(node.input[0]) == TensorProto.FLOAT


def _read_below(model: onnx.ModelProto) -> set[str]:
    """Names that nodes of subgraphs read, or that subgraphs give back as they are."""
    below = (
        graph
        for node in model.graph.node
        for attribute in node.attribute
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else []))
    )
    found: set[str] = set()
    for graph in below:
        found |= {name for node in onnx_graph.nodes_in(graph) for name in node.input}
        found |= {one.name for one in graph.output}
    return found


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    found = {one.name: one.type.tensor_type.elem_type for one in (*graph.input, *graph.value_info)}
    return found | {one.name: one.data_type for one in graph.initializer}
