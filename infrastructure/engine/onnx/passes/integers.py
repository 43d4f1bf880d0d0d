"""What both INT8 passes share: which types and ranges, said in words, and the opset they need.

Weights are signed and symmetric, activations unsigned on x86 (its kernels multiply u8 × s8) and
signed on ARM. Per-channel scales need opset 13, where (De)QuantizeLinear got its axis: an older
model is converted first, not merely relabelled.
"""

import logging
import platform
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import onnx
from onnx import TensorProto, version_converter
from onnxruntime.quantization import QuantType

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.processor import X86, saturates_8_bits

PER_CHANNEL_OPSET = 13
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def activation_type() -> QuantType:
    x86 = platform.machine().lower() in X86
    return QuantType.QUInt8 if x86 else QuantType.QInt8


def seven_bits(spec: OptimizationSpec) -> bool:
    """Asked for, or needed because this x86 CPU saturates."""
    return spec.reduce_range or saturates_8_bits()


def said(spec: OptimizationSpec, stacks: int = 0) -> str:
    """`stacks` weights were quantized per tensor, although per channel was asked for."""
    scales = "per channel" if spec.per_channel else "per tensor"
    if stacks and spec.per_channel:
        scales += f" ({stacks} that are no matrices per tensor)"
    if not seven_bits(spec):
        return f"weights INT8 {scales}"
    why = "as asked" if spec.reduce_range else "since this CPU's 8-bit products can saturate"
    return f"weights 7 of 8 bits {scales}, {why}"


def at_opset(model: onnx.ModelProto, least: int) -> onnx.ModelProto:
    """The model itself when it is there already. Raises RuntimeError when it cannot be brought."""
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    if opset >= least:
        return model
    try:
        return version_converter.convert_version(model, least)
    except Exception as error:  # the converter raises what its C++ raises
        raise RuntimeError(
            f"the model is of opset {opset}, INT8 needs {least}, and converting it failed: {error}"
        ) from error


def constant_weights(model: onnx.ModelProto, operators: tuple[str, ...]) -> list[str]:
    """Names of nodes of these operators whose second input is a constant of floats."""
    floats = {
        one.name
        for body in onnx_graph.bodies(model)
        for one in body.tensors
        if one.data_type in FLOATS
    } | {
        node.output[0]
        for node in onnx_graph.nodes(model)
        if node.op_type == "Constant" and node.output
    }
    return [
        node.name
        for node in onnx_graph.nodes(model)
        if node.op_type in operators and len(node.input) > 1 and node.input[1] in floats
    ]


def stacked(model: onnx.ModelProto) -> set[str]:
    """Names of constants that a MatMul takes as its second input and that are no matrix: a vector,
    or a stack of matrices."""
    ranks = {one.name: len(one.dims) for body in onnx_graph.bodies(model) for one in body.tensors}
    return {
        node.input[1]
        for node in onnx_graph.nodes(model)
        if node.op_type == "MatMul" and ranks.get(node.input[1], 2) != 2
    }


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that goes away, as the current one: the quantizer leaves files wherever it stands,
    and advises on the root logger what we have already done. Give absolute paths inside."""
    before = logging.root.manager.disable
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        logging.disable(logging.ERROR)
        try:
            yield Path(folder)
        finally:
            logging.disable(before)
