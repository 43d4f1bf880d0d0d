"""A model's signature, read from its graph."""

from typing import Any

import onnx

from infrastructure.engine.onnx import graph


def signature_of(model: onnx.ModelProto) -> dict[str, Any]:
    """As `domain.signature.Signature`, in plain JSON. Inputs that are initializers are weights
    with a default (as before IR version 4), not inputs."""
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {sparse.values.name for sparse in model.graph.sparse_initializer}
    return {
        "inputs": [_spec(one) for one in model.graph.input if one.name not in weights],
        "outputs": [_spec(one) for one in model.graph.output],
        "parameters": graph.parameters(model),
        "opset": graph.opset(model),
        "operators": graph.operators(model),
    }


def _spec(value: onnx.ValueInfoProto) -> dict[str, Any]:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return {"name": value.name, "dtype": (kind or "unknown").removesuffix("_type"), "shape": []}
    tensor = value.type.tensor_type
    shape = [_dimension(one) for one in tensor.shape.dim] if tensor.HasField("shape") else ["?"]
    return {"name": value.name, "dtype": dtype_name(tensor.elem_type), "shape": shape}


def _dimension(dimension: onnx.TensorShapeProto.Dimension) -> int | str:
    if dimension.WhichOneof("value") == "dim_value":
        return dimension.dim_value if dimension.dim_value >= 0 else "?"
    return dimension.dim_param or "?"


def dtype_name(kind: int) -> str:
    """NumPy's name for an ONNX element type; ONNX's own in lower case where NumPy has none."""
    if kind == onnx.TensorProto.STRING:
        return "string"
    if kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.BOOL):
        return str(onnx.helper.tensor_dtype_to_np_dtype(kind))
    try:
        return str(onnx.TensorProto.DataType.Name(kind)).lower()
    except ValueError:
        return "unknown"
