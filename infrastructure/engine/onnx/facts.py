"""What a pass did to a model, counted in both graphs; the domain decides by it."""

from pathlib import Path

import onnx

from domain.optimization_spec import Pass
from domain.variant_facts import VariantFacts
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.processor import processor

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Attention")
INT8_PASSES = (Pass.DYNAMIC_INT8, Pass.STATIC_INT8)


def facts(made_by: Pass, source_file: Path, variant_file: Path) -> VariantFacts:
    """What the pass did, counted in both graphs."""
    source, variant = onnx.load(source_file), onnx.load(variant_file)
    before, after = onnx_graph.operators(source), onnx_graph.operators(variant)
    added = {name: count - before.get(name, 0) for name, count in after.items()}
    return VariantFacts(
        made_by=made_by,
        source_weight_bytes=onnx_graph.weight_bytes(source),
        variant_weight_bytes=onnx_graph.weight_bytes(variant),
        nodes_added={name: count for name, count in added.items() if count > 0},
        left_float=_left_float(made_by, variant),
        int8_instructions=processor().int8,
    )


def _left_float(made_by: Pass, variant: onnx.ModelProto) -> dict[str, int]:
    """Operators with weights that an INT8 pass did not cover: in QDQ, those whose weight does not
    come from a DequantizeLinear."""
    if made_by not in INT8_PASSES:
        return {}
    makers = {name: node.op_type for node in onnx_graph.nodes(variant) for name in node.output}
    left: dict[str, int] = {}
    for node in onnx_graph.nodes(variant):
        weighted = node.op_type in WEIGHTED and len(node.input) > 1
        if weighted and makers.get(node.input[1]) != "DequantizeLinear":
            left[node.op_type] = left.get(node.op_type, 0) + 1
    return left
