"""The layers of an ONNX model that read its inputs, for `ranges.first_layer`."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from infrastructure.engine.ranges.first_layer import FirstLayer, first_layer_of

PASSING = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Pad", "Cast")
"""They move values and change none (a padding is a few zeros)."""


def first_layers(file: Path) -> tuple[FirstLayer, ...]:
    """Conv and Gemm with constant FP32 weights and biases that an input reaches unchanged."""
    graph = onnx.load(file).graph
    tensors = {one.name: one for one in graph.initializer}
    reached = {one.name: one.name for one in graph.input if one.name not in tensors}
    found = []
    for node in graph.node:
        given = reached.get(node.input[0]) if node.input else None
        if given is None:
            continue
        if node.op_type in PASSING:
            reached[node.output[0]] = given
        elif _told(node, tensors):
            kernel, bias = (numpy_helper.to_array(tensors[name]) for name in node.input[1:3])
            if node.op_type == "Gemm" and not _transposed(node):
                kernel = kernel.T
            found.append(first_layer_of(given, kernel.astype(np.float32), bias))
    return tuple(found)


def _told(node: onnx.NodeProto, tensors: dict[str, onnx.TensorProto]) -> bool:
    constant = all(name in tensors for name in node.input[1:])
    return node.op_type in ("Conv", "Gemm") and len(node.input) == 3 and constant


def _transposed(node: onnx.NodeProto) -> bool:
    return any(one.name == "transB" and one.i for one in node.attribute)
