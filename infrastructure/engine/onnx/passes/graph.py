"""GRAPH: the same computation with fewer nodes.

onnxslim folds, merges and removes; ONNX Runtime's BASIC level (which is pure ONNX and knows no
hardware) is then tried on top and kept when it makes the file smaller. EXTENDED and above are left
to ONNX Runtime's own load, which does them anyway: saved, they would tie the file to one runtime
(com.microsoft) or one kind of CPU (com.microsoft.nchwc).
"""

import tempfile
from pathlib import Path

import onnx
import onnxslim

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph as onnx_graph
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows

HARDWARE_BOUND = "com.microsoft.nchwc"


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where there is nothing left to simplify."""
    model = onnx.load(source)
    before, weighed = onnx_graph.operators(model), onnx_graph.weight_bytes(model)
    report.tick(10, "simplifying the graph")
    best = min(_simplified(model, report), key=lambda one: one.ByteSize())
    after = onnx_graph.operators(best)
    if after == before and onnx_graph.weight_bytes(best) >= weighed:
        raise PassSkipped(
            "NOTHING_TO_SIMPLIFY",
            f"The graph's {sum(before.values())} nodes are already as simple as onnxslim and "
            "ONNX Runtime can make them. Nothing needs to be done.",
        )
    if any(node.domain == HARDWARE_BOUND for node in onnx_graph.nodes(best)):
        raise RuntimeError("the rewritten graph is bound to this kind of CPU")
    target.write_bytes(best.SerializeToString(deterministic=True))
    return _said(before, after)


def _slimmed(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    slimmed: onnx.ModelProto = onnxslim.slim(copy)
    return slimmed


def _simplified(model: onnx.ModelProto, report: Progress) -> tuple[onnx.ModelProto, ...]:
    """What onnxslim makes, and that rewritten; where it breaks, or ONNX Runtime does not load what
    it made (seen of bodies of functions, which it orders wrongly), the model itself rewritten."""
    try:
        slimmed = _slimmed(model)
        report.tick(60, "folding constants with ONNX Runtime")
        return slimmed, _rewritten(slimmed)
    except Exception:  # both raise by many names
        return (_rewritten(model),)


def _rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        given, saved = Path(folder, "given.onnx"), Path(folder, "saved.onnx")
        given.write_bytes(model.SerializeToString())
        open_session(given, threads=1, optimized=saved)
        return onnx.load(saved)


def _said(before: dict[str, int], after: dict[str, int]) -> str:
    gone = {name: count - after.get(name, 0) for name, count in before.items()}
    most = sorted(((-n, name) for name, n in gone.items() if n > 0))[:4]
    told = ", ".join(f"{-n} {name}" for n, name in most) or "none by kind"
    return f"{sum(before.values())} nodes became {sum(after.values())}; removed or merged: {told}."
