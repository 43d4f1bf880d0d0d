"""What a pass did to a GGUF model, counted in both headers; the domain decides by it."""

from collections import Counter
from pathlib import Path

from domain.optimization_spec import Pass
from domain.variant_facts import VariantFacts
from infrastructure.engine.gguf import rules
from infrastructure.engine.gguf.header import GgufHeader, read_header
from infrastructure.engine.onnx.processor import processor

FLOATS = ("F32", "F16", "BF16")


def facts(made_by: Pass, source_file: Path, variant_file: Path) -> VariantFacts:
    """`left_float` counts the matrices that still hold floats, by their part of the network."""
    source, variant = read_header(source_file), read_header(variant_file)
    left = Counter(
        one.name.split(".")[-2]
        for one in variant.tensors
        if rules.is_matrix(one) and one.kind in FLOATS
    )
    return VariantFacts(
        made_by=made_by,
        source_weight_bytes=_bytes(source),
        variant_weight_bytes=_bytes(variant),
        left_float=dict(left) if made_by not in ("FP16", "BF16") else {},
        int8_instructions=processor().int8,
        runtime="llama.cpp",
    )


def _bytes(found: GgufHeader) -> int:
    return sum(one.bytes for one in found.tensors)
