"""Models for updates, and what is expected of them."""

import io
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

X = np.array([[1, 2, 3, 4]], np.float32)


def model(factor: float, rows: int = 1, pad: int = 0) -> bytes:
    """y = x · factor, `rows` times over each other, as ONNX; `pad` bytes larger."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "factor"], ["scaled"]),
            helper.make_node("Concat", ["scaled"] * rows, ["y"], axis=0),
        ],
        "times",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
        doc_string="x" * pad,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def golden(factor: float, samples: int = 3) -> bytes:
    """What the model of this factor answers."""
    arrays: dict[str, Any] = {}
    for number in range(samples):
        arrays[f"input/{number}/x"] = X + number
        arrays[f"output/{number}/y"] = (X + number) * factor
    return packed(arrays)


def packed(arrays: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
