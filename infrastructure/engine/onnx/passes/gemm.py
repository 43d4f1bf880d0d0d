"""Gemm as ONNX Runtime's quantizers take it: α A B + β C with β = 1 and C one number a column.

They drop β, scale a C of one number for all columns by columns that it does not have, cannot do a C
with rows, and turn a transposed B around again for each Gemm that reads it.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from infrastructure.engine.onnx import graph as onnx_graph


def settle_biases(graph: onnx.GraphProto) -> None:
    """Constant biases, in place: with β in them and a number for each column, or, where they have
    rows, added by a node of their own."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    done: list[onnx.NodeProto] = []
    for node in graph.node:
        done.append(node)
        if node.op_type == "Gemm" and node.input[2:] and node.input[2] in tensors:
            done += _settled(graph, node, tensors)
    del graph.node[:]
    graph.node.extend(done)
    forget_shapes(graph)


def _settled(
    graph: onnx.GraphProto, node: onnx.NodeProto, tensors: dict[str, onnx.TensorProto]
) -> Iterator[onnx.NodeProto]:
    """The node that adds the bias, where one is needed."""
    found = numpy_helper.to_array(tensors[node.input[2]])
    columns = _columns(node, tensors)
    whole = found * np.asarray(_taken(node, "beta"), found.dtype)
    if whole.ndim == 2 and whole.shape[0] != 1:
        given = helper.make_node(
            "Add",
            [f"{node.output[0]}/product", _own(graph, node, whole, tensors)],
            [node.output[0]],
            name=f"{node.name or node.output[0]}/bias",
        )
        node.output[0] = given.input[0]
        del node.input[2]
        yield given
        return
    row = whole.reshape(-1)
    if columns is not None and row.size != columns:
        row = np.broadcast_to(row, (columns,))
    if row.shape != found.shape or not np.array_equal(row, found):
        node.input[2] = _own(graph, node, row, tensors)


def _own(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    bias: NDArray[np.generic],
    tensors: dict[str, onnx.TensorProto],
) -> str:
    """Its name: the old one, where no other node reads that."""
    name = str(node.input[2])
    readers = sum(list(one.input).count(name) for one in onnx_graph.nodes_in(graph))
    if readers > 1 or name in {one.name for one in graph.output}:
        name = f"{name}/{node.name or node.output[0]}"
        graph.initializer.add()
        tensors[name] = graph.initializer[-1]
    tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(bias), name))
    return name


def _columns(node: onnx.NodeProto, tensors: dict[str, onnx.TensorProto]) -> int | None:
    """Of the weight, None where that is no constant."""
    weight = tensors.get(node.input[1])
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    return None if weight is None else int(weight.dims[0 if transposed else 1])


def _taken(node: onnx.NodeProto, name: str) -> float:
    """The attribute's value, 1 where there is none; the node has none after."""
    found = next((one for one in node.attribute if one.name == name), None)
    if found is None:
        return 1.0
    value = float(found.f)
    node.attribute.remove(found)
    return value


def unshare_weights(model: onnx.ModelProto) -> None:
    """A transposed weight that several nodes read becomes one for each Gemm, in place."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in onnx_graph.nodes(model):
        for name in set(node.input) & tensors.keys():
            readers.setdefault(name, []).append(node)
    for name, found in readers.items():
        gemms = [one for one in found if one.op_type == "Gemm" and one.input[1] == name]
        for place, node in enumerate(gemms if len(found) > 1 else []):
            copy = model.graph.initializer.add()
            copy.CopyFrom(tensors[name])
            copy.name = f"{name}/{place}"
            node.input[1] = copy.name
        if gemms and len(gemms) == len(found) > 1:
            model.graph.initializer.remove(tensors[name])


def forget_shapes(graph: onnx.GraphProto) -> None:
    """Takes out what was noted of constants' shapes, which may not be theirs any more."""
    names = {tensor.name for tensor in graph.initializer}
    for info in [one for one in graph.value_info if one.name in names]:
        graph.value_info.remove(info)
