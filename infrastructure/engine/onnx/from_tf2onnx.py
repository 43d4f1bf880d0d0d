"""What tf2onnx made, looked at before it is kept: it writes operators that it does not know into
the file as they are, and says so in its log alone."""

from importlib.metadata import version
from pathlib import Path

import onnx

from infrastructure.engine.onnx import graph
from infrastructure.engine.pass_contract import PassSkipped

OPSET = 18
STANDARD = ("", "ai.onnx", "ai.onnx.ml")


def kept(model: onnx.ModelProto, target: Path) -> str:
    """Writes it. Raises PassSkipped for operators that ONNX does not have."""
    strange = sorted({one.op_type for one in graph.nodes(model) if not _known(one, model)})
    if strange:
        raise PassSkipped(
            "UNSUPPORTED_OPERATORS",
            f"tf2onnx has no ONNX operator for {', '.join(strange[:6])}. Convert to TFLite "
            "instead, or write that step with other operators.",
        )
    onnx.save(model, target)
    return f"tf2onnx {version('tf2onnx')} wrote it in ONNX opset {OPSET}."


def _known(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    opsets = {one.domain: one.version for one in model.opset_import}
    if node.domain not in STANDARD:
        return False
    return bool(onnx.defs.has(node.op_type, opsets.get(node.domain, OPSET), node.domain))
