"""DYNAMIC_INT8: weights of MatMul and Gemm as INT8; activations are quantized at each run.

Needs no data. Convolutions stay as they are: ONNX Runtime's ConvInteger is slower than FP32 on
most CPUs.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import integers
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows

COVERED = ("MatMul", "Gemm")
MADE = ("MatMulInteger", "DynamicQuantizeLinear")


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without a MatMul or Gemm that has constant weights."""
    model = onnx.load(source)
    found = integers.constant_weights(model, COVERED)
    if not found:
        raise PassSkipped(
            "NO_MATMUL_OR_GEMM",
            "There is no MatMul or Gemm with constant weights, and dynamic INT8 covers only "
            "those. For convolutions give a calibration dataset and use STATIC_INT8.",
        )
    report.tick(20, f"quantizing {len(found)} nodes")
    model = integers.at_opset(model, integers.PER_CHANNEL_OPSET if spec.per_channel else 11)
    with integers.workshop() as folder:
        given = folder / "given.onnx"  # a path: a model in memory is spilled into this folder
        given.write_bytes(model.SerializeToString())
        quantize_dynamic(
            given,
            str(target.resolve()),
            op_types_to_quantize=list(COVERED),
            per_channel=spec.per_channel,
            reduce_range=integers.seven_bits(spec),
            weight_type=QuantType.QInt8,
        )
    made = onnx_graph.operators(onnx.load(target))
    if not any(made.get(name) for name in MADE):
        target.unlink()
        raise PassSkipped(
            "NOTHING_QUANTIZED",
            "ONNX Runtime's quantizer found no node that it can do. Simplify the model with GRAPH "
            "first, or use STATIC_INT8.",
        )
    return (
        f"{made.get('MatMulInteger', 0)} of {len(found)} MatMul and Gemm nodes were quantized: "
        f"{integers.said(spec)}, activations at each run."
    )
