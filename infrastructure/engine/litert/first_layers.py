"""The layers of a TFLite model that read its inputs, for `ranges.first_layer`."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.ranges.first_layer import FirstLayer, first_layer_of

PASSING = ("RESHAPE", "TRANSPOSE", "PAD", "EXPAND_DIMS", "SQUEEZE")
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def first_layers(file: Path) -> tuple[FirstLayer, ...]:
    """Those with constant FP32 weights and biases that an input reaches unchanged."""
    model = flatbuffer.read(file)
    graph = model.subgraphs[0]
    reached = {int(place): graph.tensors[place].name.decode() for place in graph.inputs}
    found = []
    for node in graph.operators or ():
        name, given = flatbuffer.operator_name(model, node), reached.get(int(node.inputs[0]))
        if given is None:
            continue
        if name in PASSING:
            reached[int(node.outputs[0])] = given
        elif name in LAYERS and len(node.inputs) > 2:
            kernel, bias = (_floats(model, graph, place) for place in node.inputs[1:3])
            if kernel is not None and bias is not None:
                turned = np.moveaxis(kernel, -1, 0) if name == "DEPTHWISE_CONV_2D" else kernel
                found.append(first_layer_of(given, turned, bias))
    return tuple(found)


def _floats(model: Any, graph: Any, place: int) -> NDArray[np.float32] | None:
    tensor = graph.tensors[place] if place >= 0 else None
    if tensor is None or tensor.type != schema.TensorType.FLOAT32:
        return None
    data = model.buffers[tensor.buffer].data
    return None if data is None else np.asarray(data).view(np.float32).reshape(tensor.shape)
