"""What a pass did to a TFLite model, counted in both files; the domain decides by it."""

from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from domain.optimization_spec import Pass
from domain.variant_facts import VariantFacts
from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.onnx.processor import processor


def facts(made_by: Pass, source_file: Path, variant_file: Path) -> VariantFacts:
    """What the pass did, counted in both files."""
    source, variant = flatbuffer.read(source_file), flatbuffer.read(variant_file)
    before, after = flatbuffer.operators(source), flatbuffer.operators(variant)
    added = {name: count - before.get(name, 0) for name, count in after.items()}
    return VariantFacts(
        made_by=made_by,
        source_weight_bytes=sum(flatbuffer.constants(source).values()),
        variant_weight_bytes=sum(flatbuffer.constants(variant).values()),
        nodes_added={name: count for name, count in added.items() if count > 0},
        left_float={} if made_by is Pass.FP16 else _left_float(variant),
        int8_instructions=processor().int8,
        runtime="LiteRT",
    )


def _left_float(model: Any) -> dict[str, int]:
    """Operators whose constant weights are still FP32."""
    left: dict[str, int] = {}
    for graph in model.subgraphs:
        for node in graph.operators or ():
            name = flatbuffer.operator_name(model, node)
            weights = [graph.tensors[place] for place in node.inputs if place >= 0]
            stored = [one for one in weights if model.buffers[one.buffer].data is not None]
            if name in flatbuffer.WEIGHTED and any(
                one.type == schema.TensorType.FLOAT32 and len(one.shape) > 1 for one in stored
            ):
                left[name] = left.get(name, 0) + 1
    return left
