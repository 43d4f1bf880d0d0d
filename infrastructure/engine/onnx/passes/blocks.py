"""Weights in blocks of 4 or 8 bits, each block with a scale of its own; activations stay floats.

ONNX Runtime's MatMulNBits and GatherBlockQuantized (com.microsoft). A Gemm is spelled out as MatMul
and Add first, which MatMulNBits can replace. An embedding (a Gather from a table) needs opset 21,
where ONNX got 4-bit tensors: the model is converted, not relabelled as the library would do.
"""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)

from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import integers
from infrastructure.engine.onnx.passes.half_range import name_nodes

TABLE_OPSET = 21
SMALLEST_TABLE = 64 * 32
INT8_COMPUTE = 4
"""MatMulNBits' `accuracy_level` 4: activations are rounded to INT8 per block inside the kernel."""
MADE = ("com.microsoft:MatMulNBits", "com.microsoft:GatherBlockQuantized")


@dataclass(frozen=True, slots=True)
class Weighted:
    """The nodes of a model whose weights can be kept in blocks, by name."""

    products: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.products, *self.tables)


def ready(source: onnx.ModelProto) -> tuple[onnx.ModelProto, Weighted]:
    """A copy in which every node has a name and no Gemm hides a product, and what can be done.

    A model that cannot be converted to opset 21 keeps its embeddings in floats."""
    model = onnx.ModelProto()
    model.CopyFrom(source)
    name_nodes(model)
    _spell_out_gemms(model)
    found = _weighted(model)
    if found.tables:
        try:
            model = integers.at_opset(model, TABLE_OPSET)
        except RuntimeError:
            return model, Weighted(found.products, ())
        model.ir_version = max(model.ir_version, 10)
        found = _weighted(model)
    return model, found


def in_blocks(
    model: onnx.ModelProto, bits: int, block_size: int, names: tuple[str, ...]
) -> onnx.ModelProto:
    """A copy with the weights of the nodes `names` in blocks of `block_size` values of `bits`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    chosen = set(names)
    kinds = {node.op_type for node in copy.graph.node if node.name in chosen}
    others = [node.name for node in copy.graph.node if node.name not in chosen]
    quantizer = MatMulNBitsQuantizer(
        copy,
        nodes_to_exclude=others,
        algo_config=DefaultWeightOnlyQuantConfig(
            block_size=block_size,
            is_symmetric=True,
            accuracy_level=INT8_COMPUTE,
            op_types_to_quantize=tuple(sorted(kinds)),
            bits=bits,
        ),
    )
    quantizer.process()
    made: onnx.ModelProto = quantizer.model.model
    return made


def made_in(model: onnx.ModelProto) -> int:
    """How many nodes have their weights in blocks."""
    counted = onnx_graph.operators(model)
    return sum(counted.get(name, 0) for name in MADE)


def _weighted(model: onnx.ModelProto) -> Weighted:
    matrices = {
        one.name: tuple(one.dims)
        for one in model.graph.initializer
        if one.data_type == TensorProto.FLOAT and len(one.dims) == 2
    }
    products = tuple(
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in matrices
    )
    tables = tuple(
        node.name
        for node in model.graph.node
        if node.op_type == "Gather"
        and math.prod(matrices.get(node.input[0], (0,))) >= SMALLEST_TABLE
    )
    return Weighted(products, tables)


def _spell_out_gemms(model: onnx.ModelProto) -> None:
    """Y = α·A·B' + β·C becomes MatMul and Add; α and β go into the constants. A Gemm whose A is
    transposed, or whose C is no constant that β could go into, stays."""
    tensors = {one.name: one for one in model.graph.initializer}
    spelled: list[onnx.NodeProto] = []
    for node in model.graph.node:
        spelled += _spelled(model.graph, node, tensors) or [node]
    del model.graph.node[:]
    model.graph.node.extend(spelled)
    used = {name for node in onnx_graph.nodes_in(model.graph) for name in node.input}
    used |= {one.name for one in model.graph.output}
    for name in [name for name in tensors if name not in used]:
        model.graph.initializer.remove(tensors[name])


def _spelled(
    graph: onnx.GraphProto, node: onnx.NodeProto, tensors: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto] | None:
    if node.op_type != "Gemm" or node.domain not in onnx_graph.DEFAULT_DOMAINS:
        return None
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    weight = tensors.get(node.input[1])
    bias = node.input[2] if len(node.input) > 2 and node.input[2] else None
    if given.get("transA") or weight is None or weight.data_type != TensorProto.FLOAT:
        return None
    if bias is not None and beta != 1.0 and bias not in tensors:
        return None
    matrix: NDArray[np.float32] = numpy_helper.to_array(weight)
    matrix = np.ascontiguousarray((matrix.T if given.get("transB") else matrix) * np.float32(alpha))
    product = node.output[0] if bias is None else f"{node.output[0]}/product"
    name = f"{node.name}/weight"
    graph.initializer.append(numpy_helper.from_array(matrix, name))
    nodes = [helper.make_node("MatMul", [node.input[0], name], [product], name=node.name)]
    if bias is not None:
        if beta != 1.0:
            scaled = numpy_helper.to_array(tensors[bias]) * np.float32(beta)
            bias = f"{node.name}/bias"
            graph.initializer.append(numpy_helper.from_array(scaled, bias))
        add = helper.make_node("Add", [product, bias], list(node.output), name=f"{node.name}/add")
        nodes.append(add)
    return nodes
