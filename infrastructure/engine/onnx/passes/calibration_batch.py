"""How many rows a calibration run takes at once: its tensors are all held until the run has ended,
and can be hundreds of times the input."""

import math

import onnx

from infrastructure.engine.pass_contract import Feed

MOST_ROWS = 4
HELD_BYTES = 64 * 2**20
FLOAT_BYTES = 4


def rows_at_once(model: onnx.ModelProto, operators: list[str], one_row: Feed) -> int:
    """At most MOST_ROWS, whose tensors at the inputs and outputs of `operators` are no more than
    HELD_BYTES; 1 where the sizes of these tensors cannot be told from `one_row` and what shape
    inference found."""
    graph = model.graph
    open_sizes = {
        place.dim_param: size
        for given in graph.input
        if given.name in one_row
        for place, size in zip(
            given.type.tensor_type.shape.dim, one_row[given.name].shape, strict=False
        )
        if place.dim_param
    }
    known = {one.name: one for one in (*graph.value_info, *graph.output, *graph.input)}
    read = [node for node in graph.node if node.op_type in operators]
    names = {name for node in read for name in (*node.input, *node.output)}
    sizes = [_values(known[name], open_sizes) for name in names if name in known]
    row_bytes = FLOAT_BYTES * sum(sizes)
    return int(max(1, min(MOST_ROWS, HELD_BYTES // max(1, row_bytes))))


def _values(info: onnx.ValueInfoProto, open_sizes: dict[str, int]) -> float:
    """How many values the tensor holds; infinite where that is not known."""
    places = info.type.tensor_type.shape.dim
    return math.prod(
        place.dim_value
        if place.HasField("dim_value")
        else open_sizes.get(place.dim_param, math.inf)
        for place in places
    )
