"""STATIC_INT8: weights and activations as INT8 with explicit QuantizeLinear/DequantizeLinear pairs.

TensorRT multiplies signed by signed without zero points, so both are symmetric here, unlike in the
ONNX pass for CPUs; biases stay in floats, which it adds in FP32.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.passes import integers, qdq
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.proof import inputs
from infrastructure.engine.tensorrt.build import build

SYMMETRIC = {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False}


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without calibration rows or without weighted operators, and what `build`
    raises."""
    model, rows = qdq.to_quantize(source, data)
    target = target.resolve()
    with integers.workshop() as folder:
        prepared = folder / "prepared.onnx"
        qdq.prepare(model, prepared, symbolic=False)
        has = onnx_graph.operators(onnx.load(prepared))
        recipe = qdq.Recipe(
            [name for name in qdq.WEIGHTED if name in has],
            {"activation_type": QuantType.QInt8, "extra_options": SYMMETRIC},
        )
        session = open_session(prepared, threads=1)
        found = inputs.inputs_for(session, rows, limit=spec.calibration.samples, batch=1)
        quantized, how = qdq.nearest(prepared, source, spec, recipe, found, found, report)
        pairs = onnx_graph.operators(onnx.load(quantized)).get("DequantizeLinear", 0)
        said = build(quantized, target, rows, report)
    scales = "per channel" if spec.per_channel else "per tensor"
    kinds = f"weights INT8 {scales}, activations INT8 symmetric"
    return f"{said}; {pairs} DequantizeLinear nodes, {kinds}, {how}."
