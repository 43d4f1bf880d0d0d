"""Models and data for benchmarks, made here and the same every time."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 17)]


def tiny(path: Path) -> Path:
    """One small matrix product: a job on it is all platform."""
    weight = numpy_helper.from_array(np.eye(8, dtype=np.float32), "w")
    ends = [_float(name, [1, 8]) for name in ("x", "y")]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return _saved(path, nodes, ends, [weight])


def convolutional(path: Path, layers: int, channels: int, side: int, seed: int = 7) -> Path:
    """`image` [N, 3, side, side] through 3×3 convolutions with batch normalization, ReLU and a
    residual connection around every other one, to ten `scores`; He-initialized, so values neither
    die nor grow."""
    random = np.random.default_rng(seed)
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    names = ["image", *(f"t{layer}" for layer in range(layers))]
    for name, value in (("one", 1), ("zero", 0)):
        weights.append(numpy_helper.from_array(np.full(channels, value, np.float32), name))
    inside = 3
    for layer, (before, after) in enumerate(pairwise(names)):
        spread = (2 / (9 * inside)) ** 0.5
        kernel = random.normal(0, spread, (channels, inside, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        last, normal = f"n{layer}", ["one", "zero", "zero", "one"]
        nodes.append(
            helper.make_node("Conv", [before, f"w{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1])
        )
        nodes.append(helper.make_node("BatchNormalization", [f"c{layer}", *normal], [last]))
        if layer % 2 and layer > 1:
            nodes.append(helper.make_node("Add", [last, names[layer - 1]], [f"a{layer}"]))
            last = f"a{layer}"
        nodes.append(helper.make_node("Relu", [last], [after]))
        inside = channels
    head = random.normal(0, channels**-0.5, (channels, 10)).astype(np.float32)
    weights.append(numpy_helper.from_array(head, "head"))
    nodes.append(helper.make_node("GlobalAveragePool", [names[-1]], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "head"], ["scores"]))
    ends = [_float("image", ["N", 3, side, side]), _float("scores", ["N", 10])]
    return _saved(path, nodes, ends, weights)


def images(path: Path, rows: int, side: int, seed: int = 11) -> Path:
    """Rows for `convolutional`."""
    random = np.random.default_rng(seed)
    np.savez(path, image=random.normal(0, 1, (rows, 3, side, side)).astype(np.float32))
    return path


def _float(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _saved(
    path: Path,
    nodes: list[NodeProto],
    ends: list[onnx.ValueInfoProto],
    weights: list[TensorProto],
) -> Path:
    graph = helper.make_graph(nodes, path.stem, ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=OPSET, ir_version=8), path)
    return path
