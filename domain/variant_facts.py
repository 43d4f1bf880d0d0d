"""What a pass did to a model, counted, and the reasons that follow when it did not pay."""

from dataclasses import dataclass, field

from domain.optimization_spec import Pass

INT8_PASSES = (Pass.DYNAMIC_INT8, Pass.STATIC_INT8, Pass.ACCURACY_INT8, Pass.INT16X8)


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """Counted in the source and in the variant.

    `weight_bytes` are bytes of constants; `nodes_added` counts nodes by operator that the variant
    has more of; `left_float` counts the operators with weights that the pass did not cover;
    `int8_instructions` are those of this CPU that multiply 8-bit integers. `calibration_doubts`
    are sentences on calibration data that does not look like what the model expects.
    """

    made_by: Pass
    source_weight_bytes: int
    variant_weight_bytes: int
    nodes_added: dict[str, int] = field(default_factory=dict)
    left_float: dict[str, int] = field(default_factory=dict)
    int8_instructions: tuple[str, ...] = ()
    runtime: str = "ONNX Runtime"
    calibration_doubts: tuple[str, ...] = ()


def why_larger(facts: VariantFacts, grown: int) -> str:
    """Why the file grew by `grown` bytes, from the counts."""
    if facts.made_by is Pass.CONVERT:
        return "the other format takes that many more for the same network."
    more = facts.variant_weight_bytes - facts.source_weight_bytes
    if 2 * more >= grown:
        return (
            f"its constants grew by {more:,} bytes, because results that were computed before are "
            "kept, or constants that were shared are stored once each."
        )
    added = counted(facts.nodes_added)
    kept = f"{added} with their names and scales were added" if added else "names were added"
    if more < 0:
        return f"there were only {-more:,} bytes of weights to save, and {kept}, which weigh more."
    return f"there were no weights to shrink; {kept}, or shapes were written down between nodes."


def why_slower(facts: VariantFacts) -> str:
    """Why it runs slower here, from the counts: what is likely, not proven by a profile."""
    if facts.made_by is Pass.CONVERT:
        return f"{facts.runtime} computes the same network with kernels of its own."
    reasons = []
    if facts.made_by is Pass.FP16:
        casts = facts.nodes_added.get("Cast", 0)
        reasons.append(
            f"{facts.runtime} has few FP16 kernels for this CPU and computes in FP32 between "
            f"conversions ({casts} Cast nodes are in the file, more are added at load); FP16 "
            "pays in size, and in speed on a GPU or NPU"
        )
    if facts.made_by in INT8_PASSES:
        reasons += _int8_reasons(facts)
    if not reasons:
        reasons.append(
            f"{facts.runtime} does the same rewriting when it loads the source, so nothing was "
            "left to win, and the two orders of nodes differ in speed"
        )
    return "; ".join(reasons) + "."


def _int8_reasons(facts: VariantFacts) -> list[str]:
    reasons = []
    if not facts.int8_instructions:
        reasons.append("this CPU has no instructions for 8-bit products (VNNI, AMX or dotprod)")
    if facts.left_float:
        reasons.append(f"{counted(facts.left_float)} stayed in FP32")
    added = counted(facts.nodes_added)
    if added:
        reasons.append(f"converting to and from INT8 costs {added}")
    return reasons


def counted(operators: dict[str, int]) -> str:
    """`3 Cast and 2 QuantizeLinear nodes`, most frequent first; empty for none."""
    most = sorted(operators.items(), key=lambda item: (-item[1], item[0]))[:4]
    if not most:
        return ""
    return " and ".join(f"{count} {name}" for name, count in most) + " nodes"
