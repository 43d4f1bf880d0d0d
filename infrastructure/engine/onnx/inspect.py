"""Reads what an ONNX model takes, gives and is made of."""

from pathlib import Path
from typing import Any

import onnx

from infrastructure.engine.onnx.check import checked
from infrastructure.engine.onnx.signature import signature_of
from infrastructure.engine.onnx_zip import model_in

OLD_OPSET = 13


def inspect_onnx(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    with model_in(file) as (alone, folder):
        model = checked(alone, folder)
    signature = signature_of(model)
    return {"signature": signature, "warnings": list(_warnings(model, signature))}


def _warnings(model: onnx.ModelProto, signature: dict[str, Any]) -> list[str]:
    told = []
    if signature["opset"] is not None and signature["opset"] < OLD_OPSET:
        told.append(
            f"Opset {signature['opset']} is older than {OLD_OPSET}: INT8 with a scale for each "
            "channel converts it first."
        )
    if not signature["inputs"]:
        told.append("The model takes no inputs: it always gives the same outputs.")
    strange = [one["name"] for one in signature["inputs"] if one["dtype"] in ("string", "sequence")]
    if strange:
        told.append(f"The input “{strange[0]}” is no tensor of numbers and cannot be made up.")
    if model.training_info:
        told.append("It holds training information, which inference does not need.")
    return told
