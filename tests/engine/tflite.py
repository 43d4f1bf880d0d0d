"""A small TFLite network, put together from LiteRT's own schema."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from infrastructure.engine.litert import flatbuffer


def dense_net(path: Path, inputs: int = 64, hidden: int = 128, classes: int = 10) -> Path:
    """x [1, inputs] → FULLY_CONNECTED with ReLU → FULLY_CONNECTED → y [1, classes]."""
    random = np.random.default_rng(5)
    model = schema.ModelT()
    model.version, model.description = 3, b"dense"
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = b"main", [], []
    x = _tensor(model, graph, b"x", (1, inputs))
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    model.operatorCodes = [code]
    last = x
    for number, (rows, columns) in enumerate(((hidden, inputs), (classes, hidden))):
        weights = random.normal(0, 0.2, (rows, columns)).astype(np.float32)
        w = _tensor(model, graph, b"w%d" % number, weights.shape, weights)
        bias = random.normal(0, 0.1, rows).astype(np.float32)
        b = _tensor(model, graph, b"b%d" % number, bias.shape, bias)
        y = _tensor(model, graph, b"y%d" % number, (1, rows))
        node, options = schema.OperatorT(), schema.FullyConnectedOptionsT()
        relu = schema.ActivationFunctionType.RELU
        options.fusedActivationFunction = relu if number == 0 else 0
        node.opcodeIndex, node.inputs, node.outputs = 0, [last, w, b], [y]
        node.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        node.builtinOptions = options
        graph.operators.append(node)
        last = y
    graph.inputs, graph.outputs = [x], [last]
    model.subgraphs = [graph]
    path.write_bytes(flatbuffer.written(model))
    return path


def _tensor(
    model: Any, graph: Any, name: bytes, shape: tuple[int, ...], data: Any | None = None
) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, list(shape), schema.TensorType.FLOAT32
    if data is None:
        tensor.buffer = 0
    else:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
