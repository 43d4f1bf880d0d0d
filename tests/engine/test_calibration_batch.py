"""How many rows calibration takes at once is told by what its tensors weigh, not by the input."""

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from infrastructure.engine.onnx.passes.calibration_batch import (
    FLOAT_BYTES,
    HELD_BYTES,
    MOST_ROWS,
    rows_at_once,
)

Shape = list[int | str | None]
QUARTER = HELD_BYTES // FLOAT_BYTES // 4


def network(wide: Shape) -> ModelProto:
    """A Conv that makes `wide` of a small input, and a Softmax behind it."""
    ends = [_info("x", ["N", 1, 8, 8]), _info("y", ["N", 10])]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["wide"]),
        helper.make_node("Softmax", ["wide"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "n", ends[:1], ends[1:], value_info=[_info("wide", wide)])
    return helper.make_model(graph)


def _info(name: str, shape: Shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@pytest.mark.parametrize(
    ("wide", "rows"),
    [
        (["N", 4, 8, 8], MOST_ROWS),
        (["N", 1, QUARTER - 64], MOST_ROWS),
        (["N", 2, QUARTER - 64], 2),
        (["N", 4, QUARTER], 1),
        (["N", 400, QUARTER], 1),
        (["N", "floor(W/2)", 8], 1),
        (["N", None, 8], 1),
    ],
)
def test_as_many_rows_as_can_be_held_and_one_where_that_is_not_known(wide, rows):
    one_row = {"x": np.zeros((1, 1, 8, 8), np.float32)}
    assert rows_at_once(network(wide), ["Conv"], one_row) == rows


def test_what_calibration_does_not_look_at_does_not_count():
    one_row = {"x": np.zeros((1, 1, 8, 8), np.float32)}
    assert rows_at_once(network(["N", 400, QUARTER]), ["Gemm"], one_row) == MOST_ROWS
