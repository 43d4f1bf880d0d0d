"""CONVERT: an ONNX model as OpenVINO IR, its numbers in FP32 as they are."""

from pathlib import Path

import onnx

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph
from infrastructure.engine.openvino.conversion import converted
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Needs no data. Raises PassSkipped for operators that OpenVINO cannot take."""
    report.tick(10, "converting to OpenVINO IR")
    nodes = list(graph.nodes(onnx.load(source)))
    known = {node.name for node in nodes} | {name for node in nodes for name in node.output}
    model = converted(source, ".onnx", known, target)
    return f"OpenVINO IR with {len(model.get_ops()):,} layers from {len(nodes):,} ONNX nodes, FP32."
