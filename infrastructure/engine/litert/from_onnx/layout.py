"""Outputs in the layout that they have in the source: onnx2tf leaves an image channels last.

Whether it did is told by numbers, since sizes alone cannot tell where they are equal: both files
are run on one row, and an output that agrees better channels first is transposed back in the file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.sessions import LiteRtSession
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Rows
from infrastructure.engine.proof.inputs import inputs_for

IMAGE_RANKS = (3, 4, 5)


def restored(source: Path, file: Path, data: Rows | None) -> None:
    """Changes the TFLite file, whose inputs and outputs have the names of the source's. Raises what
    either runtime does, CannotFeed."""
    was, made = open_session(source, 1), LiteRtSession(file, 1)
    feed = inputs_for(was, data, limit=1, batch=1).first_row()
    names = [one.name for one in was.get_outputs()]
    answers = zip(names, was.run(names, feed), made.run(names, feed), strict=True)
    turned = [name for name, ours, theirs in answers if _channels_last(ours, theirs)]
    if not turned:
        return
    model = flatbuffer.read(file)
    for name in turned:
        _turn(model, name.encode())
    model.signatureDefs = None
    file.write_bytes(flatbuffer.written(flatbuffer.with_signature(model)))


def _back(rank: int) -> tuple[int, ...]:
    """Channels last to channels first."""
    return (0, rank - 1, *range(1, rank - 1))


def _channels_last(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    if ours.ndim not in IMAGE_RANKS or theirs.ndim != ours.ndim:
        return False
    back = theirs.transpose(_back(ours.ndim))
    if back.shape != ours.shape:
        return False
    return theirs.shape != ours.shape or _distance(ours, back) < _distance(ours, theirs)


def _distance(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).sum())


def _turn(model: Any, name: bytes) -> None:
    """A TRANSPOSE behind the output, which hands its name on."""
    graph = model.subgraphs[0]
    place = next(int(one) for one in graph.outputs if graph.tensors[one].name == name)
    last = graph.tensors[place]
    order = np.asarray(_back(len(last.shape)), np.int32)
    last.name = name + b"/channels_last"
    first = _tensor(name, [int(last.shape[axis]) for axis in order], last.type, 0)
    first.quantization = last.quantization
    model.buffers.append(_buffer(order))
    constant = _tensor(
        name + b"/order", [order.size], schema.TensorType.INT32, len(model.buffers) - 1
    )
    graph.tensors += [first, constant]
    made, needed = len(graph.tensors) - 2, len(graph.tensors) - 1
    node = schema.OperatorT()
    node.opcodeIndex = _code(model)
    node.inputs, node.outputs = [place, needed], [made]
    node.builtinOptionsType = schema.BuiltinOptions.TransposeOptions
    node.builtinOptions = schema.TransposeOptionsT()
    graph.operators.append(node)
    graph.outputs = [made if int(one) == place else int(one) for one in graph.outputs]


def _code(model: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _tensor(name: bytes, shape: list[int], kind: int, buffer: int) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
    return tensor


def _buffer(values: NDArray[Any]) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer
