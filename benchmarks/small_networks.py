"""The networks of `small_layers` with trained weights, as ONNX files."""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from benchmarks.small_layers import CLASSES, SIDE, Layer


def exported(layers: tuple[Layer, ...], weights: dict[str, np.ndarray], path: Path) -> Path:
    """`image` [N, 1, 28, 28] to `scores` [N, 10], with weights `w0`, `b0`, … and `head_w`,
    `head_b`."""
    nodes: list[NodeProto] = []
    names = {-1: "image"}
    last = "image"
    for place, layer in enumerate(layers):
        group = weights[f"w{place}"].shape[0] if layer.depthwise else 1
        half = layer.kernel // 2
        made = f"c{place}"
        nodes.append(
            helper.make_node(
                "Conv", [last, f"w{place}", f"b{place}"], [made],
                group=group, pads=[half] * 4, strides=[layer.stride] * 2,
            )
        )  # fmt: skip
        if layer.add is not None:
            nodes.append(helper.make_node("Add", [made, names[layer.add]], [f"a{place}"]))
            made = f"a{place}"
        if layer.active:
            nodes.append(helper.make_node("Clip", [made, "zero", "six"], [f"r{place}"]))
            made = f"r{place}"
        names[place] = last = made
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "head_w", "head_b"], ["scores"]))
    tensors = {**weights, "zero": np.float32(0), "six": np.float32(6)}
    stored = [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in tensors.items()]
    ends: list[tuple[str, list[int | str]]] = [
        ("image", ["N", 1, SIDE, SIDE]),
        ("scores", ["N", CLASSES]),
    ]
    given, told = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends)
    graph = helper.make_graph(nodes, path.stem, [given], [told], stored)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path
