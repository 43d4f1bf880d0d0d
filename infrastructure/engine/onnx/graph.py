"""Walking an ONNX graph: its nodes and tensors wherever they are, subgraphs and functions too."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import onnx

MOST_DEPTH = 32
DEFAULT_DOMAINS = ("", "ai.onnx")


class TooDeep(Exception):
    """Subgraphs are nested more than MOST_DEPTH deep."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph or a function's body: what has nodes; initializers only a graph has."""

    nodes: tuple[onnx.NodeProto, ...]
    tensors: tuple[onnx.TensorProto, ...]


def bodies(model: onnx.ModelProto) -> Iterator[Graph]:
    """The main graph, all subgraphs, and all functions."""
    yield from _within(model.graph, 0)
    for function in model.functions:
        yield Graph(tuple(function.node), ())
        for node in function.node:
            yield from _below(node, 1)


def _within(graph: onnx.GraphProto, depth: int) -> Iterator[Graph]:
    if depth > MOST_DEPTH:
        raise TooDeep
    sparse = [one for each in graph.sparse_initializer for one in (each.values, each.indices)]
    yield Graph(tuple(graph.node), (*graph.initializer, *sparse))
    for node in graph.node:
        yield from _below(node, depth + 1)


def _below(node: onnx.NodeProto, depth: int) -> Iterator[Graph]:
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            yield from _within(graph, depth)


def nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for body in bodies(model):
        yield from body.nodes


def nodes_in(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of one graph and of its subgraphs."""
    for body in _within(graph, 0):
        yield from body.nodes


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Initializers, and the tensors that are attributes (such as Constant's value)."""
    for body in bodies(model):
        yield from body.tensors
        for node in body.nodes:
            for attribute in node.attribute:
                yield from attribute.tensors
                if attribute.HasField("t"):
                    yield attribute.t
                for sparse in (*attribute.sparse_tensors, attribute.sparse_tensor):
                    yield from (sparse.values, sparse.indices)


def opset(model: onnx.ModelProto) -> int | None:
    """The version of the default operator set."""
    found = [one.version for one in model.opset_import if one.domain in DEFAULT_DOMAINS]
    return max(found) if found else None


def operators(model: onnx.ModelProto) -> dict[str, int]:
    """How many nodes there are of each operator, sorted by name; `domain:Name` outside ONNX."""
    counted = Counter(
        node.op_type if node.domain in DEFAULT_DOMAINS else f"{node.domain}:{node.op_type}"
        for node in nodes(model)
    )
    return dict(sorted(counted.items()))


def elements(tensor: onnx.TensorProto) -> int:
    return math.prod(tensor.dims)


def parameters(model: onnx.ModelProto) -> int:
    """Numbers in all constants of floating point, and of 8 and 4 bits, which is how quantized
    weights are kept; shapes and indices (wider integers) are no weights."""
    kinds = onnx.TensorProto
    weights = {kinds.FLOAT, kinds.FLOAT16, kinds.DOUBLE, kinds.BFLOAT16}
    weights |= {kinds.INT8, kinds.UINT8, kinds.INT4, kinds.UINT4}
    return sum(elements(tensor) for tensor in tensors(model) if tensor.data_type in weights)


def weight_bytes(model: onnx.ModelProto) -> int:
    """Bytes of all constants, as serialized."""
    return sum(tensor.ByteSize() for tensor in tensors(model))
