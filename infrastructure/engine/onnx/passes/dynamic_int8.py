"""DYNAMIC_INT8: weights of MatMul and Gemm as INT8; activations are quantized at each run.

Needs no data. Convolutions stay as they are: ONNX Runtime's ConvInteger is slower than FP32 on
most CPUs.
"""

from dataclasses import replace
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import gemm, integers
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
    gemm.unshare_weights(model)
    gemm.forget_shapes(model.graph)
    stacks = _stacks(model) if spec.per_channel else []
    with integers.workshop() as folder:
        given = folder / "given.onnx"  # a path: a model in memory is spilled into this folder
        given.write_bytes(model.SerializeToString())
        if stacks:
            _quantize(given, folder / "partly.onnx", replace(spec, per_channel=False), stacks)
            given = folder / "partly.onnx"
        _quantize(given, target.resolve(), spec)
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
        f"{integers.said(spec, len(stacks))}, activations at each run."
    )


def _stacks(model: onnx.ModelProto) -> list[str]:
    """Names of nodes whose weight has no columns that a kernel would scale one by one."""
    weights = integers.stacked(model)
    found = [one for one in onnx_graph.nodes(model) if weights.intersection(one.input[1:2])]
    for node in found:
        node.name = node.name or node.output[0]
    return [node.name for node in found if node.op_type in COVERED]


def _quantize(
    given: Path, target: Path, spec: OptimizationSpec, nodes: list[str] | None = None
) -> None:
    """These nodes, or all that are covered and not quantized yet; those within If and Loop too."""
    quantize_dynamic(
        given,
        str(target),
        op_types_to_quantize=list(COVERED),
        nodes_to_quantize=nodes,
        per_channel=spec.per_channel,
        reduce_range=integers.seven_bits(spec),
        weight_type=QuantType.QInt8,
        extra_options={"EnableSubgraph": True},
    )
