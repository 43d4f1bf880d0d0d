"""A TFLite file as a tree of objects: reading it, counting what it holds, and writing it.

`ai_edge_litert` brings the generated schema. Only a file that LiteRT's own verifier took is read
here: the Python reader follows offsets as they are.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIGNATURE = "serving_default"
IDENTIFIER = b"TFL3"
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")
_NAMES: dict[int, str] = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if name[:1] != "_"
}


def read(file: Path) -> Any:
    """The `ModelT` of a file."""
    return schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)


def written(model: Any) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def operators(model: Any) -> dict[str, int]:
    """How many nodes there are of each operator, sorted by name."""
    counted: Counter[str] = Counter()
    for graph in model.subgraphs:
        for node in graph.operators or ():
            counted[operator_name(model, node)] += 1
    return dict(sorted(counted.items()))


def operator_name(model: Any, node: Any) -> str:
    """As in TFLite's schema; `custom:Name` for an operator of somebody's own."""
    code = model.operatorCodes[node.opcodeIndex]
    # Below 127 both fields hold the code; older files have the deprecated one alone.
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    if kind == schema.BuiltinOperator.CUSTOM:
        return f"custom:{(code.customCode or b'?').decode(errors='replace')}"
    return _NAMES.get(kind, f"operator {kind}")


def constants(model: Any) -> dict[int, int]:
    """Bytes of constants, by the type of their tensors."""
    found: Counter[int] = Counter()
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if data is not None:
                found[tensor.type] += len(data)
    return dict(found)


def parameters(model: Any) -> int:
    """Numbers in constants of floats and of 8-bit integers, which is how weights are kept."""
    sizes = {
        schema.TensorType.FLOAT32: 4, schema.TensorType.FLOAT16: 2, schema.TensorType.INT8: 1,
    }  # fmt: skip
    return sum(found // sizes[kind] for kind, found in constants(model).items() if kind in sizes)


def has_half_weights(model: Any) -> bool:
    """Quantizers pass over weights in FP16 without a word."""
    return bool(constants(model).get(schema.TensorType.FLOAT16))


def with_operator_codes(model: Any) -> Any:
    """The same model with its operators where newer readers look for them: before schema 3a they
    were in a byte, and litert-quantizer takes every operator of such a file for an ADD."""
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    return model


def with_float_weights(model: Any) -> Any:
    """The same model with its INT8 weights as the floats that they stand for, where it takes and
    gives floats: it computes the same, and can be quantized in another way."""
    for graph in model.subgraphs:
        if any(graph.tensors[place].type != schema.TensorType.FLOAT32 for place in graph.inputs):
            return model
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if tensor.type == schema.TensorType.INT8 and data is not None:
                _store_floats(model, tensor, np.asarray(data).view(np.int8))
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    kept = {one.buffer for one in model.metadata or ()}
    for place in set(range(len(model.buffers))) - used - kept:
        model.buffers[place].data = None
    return model


def _store_floats(model: Any, tensor: Any, stored: "np.ndarray[Any, Any]") -> None:
    scheme = tensor.quantization
    shape = [1] * len(tensor.shape)
    if len(scheme.scale) > 1:
        shape[scheme.quantizedDimension] = len(scheme.scale)
    scale = np.asarray(scheme.scale, np.float32).reshape(shape)
    zero = np.asarray(scheme.zeroPoint, np.float32).reshape(shape)
    floats = (stored.reshape(tensor.shape).astype(np.float32) - zero) * scale
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(floats.astype(np.float32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.FLOAT32
    tensor.quantization = None


def with_signature(model: Any) -> Any:
    """The same model with a signature: older converters wrote none, and calibration needs it."""
    if model.signatureDefs:
        return model
    graph = model.subgraphs[0]
    definition = schema.SignatureDefT()
    definition.signatureKey = SIGNATURE.encode()
    definition.subgraphIndex = 0
    definition.inputs = _maps(graph, graph.inputs)
    definition.outputs = _maps(graph, graph.outputs)
    model.signatureDefs = [definition]
    return model


def signature_inputs(model: Any) -> dict[str, str]:
    """The signature's own name of each input, by the name of its tensor."""
    definition = model.signatureDefs[0]
    graph = model.subgraphs[definition.subgraphIndex]
    return {
        graph.tensors[one.tensorIndex].name.decode(): one.name.decode() for one in definition.inputs
    }


def signature_key(model: Any) -> str:
    key: bytes = model.signatureDefs[0].signatureKey
    return key.decode()


def _maps(graph: Any, places: "np.ndarray[Any, Any]") -> list[Any]:
    found = []
    for place in places:
        one = schema.TensorMapT()
        one.name = graph.tensors[place].name
        one.tensorIndex = int(place)
        found.append(one)
    return found
