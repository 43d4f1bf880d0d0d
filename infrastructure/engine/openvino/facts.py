"""What a pass did to an OpenVINO model, counted in both documents; the domain decides by it."""

from pathlib import Path

from domain.optimization_spec import Pass
from domain.variant_facts import VariantFacts
from infrastructure.engine.onnx.processor import processor
from infrastructure.engine.openvino import document
from infrastructure.engine.openvino.bundled import net_of

FLOAT_PASSES = (Pass.FP16,)


def facts(made_by: Pass, source_file: Path, variant_file: Path) -> VariantFacts:
    """What the pass did, counted in both files."""
    source, variant = net_of(source_file), net_of(variant_file)
    before, after = document.operators(source), document.operators(variant)
    added = {name: count - before.get(name, 0) for name, count in after.items()}
    return VariantFacts(
        made_by=made_by,
        source_weight_bytes=document.weight_bytes(source),
        variant_weight_bytes=document.weight_bytes(variant),
        nodes_added={name: count for name, count in added.items() if count > 0},
        left_float={} if made_by in FLOAT_PASSES else document.left_float(variant),
        int8_instructions=processor().int8,
        runtime="OpenVINO",
    )
