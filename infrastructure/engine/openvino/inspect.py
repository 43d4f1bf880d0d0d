"""Reads what an OpenVINO model takes, gives and is made of, out of its .xml; no OpenVINO."""

from pathlib import Path
from typing import Any
from zipfile import ZipInfo

from infrastructure.engine.openvino import document, signature
from infrastructure.engine.openvino.bundled import REMEDY, invalid, net_of, pair
from infrastructure.engine.refusals import model_refused


def inspect_openvino(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    _, weights = pair(file)
    net = net_of(file)
    gives = signature.outputs(net)
    if not gives:
        raise model_refused("NO_OUTPUTS", "The network has no Result, so it gives nothing.", REMEDY)
    for layer, data in document.constant_layers(net):
        _check_place(layer.get("name", ""), data, weights)
    found = {
        "inputs": signature.inputs(net),
        "outputs": gives,
        "parameters": document.parameters(net),
        "opset": None,
        "operators": document.operators(net),
    }
    return {"signature": found, "warnings": []}


def _check_place(name: str, data: document.Element, weights: ZipInfo) -> None:
    """A constant lies within the .bin."""
    offset, size = (document.number(data.get(key, "")) for key in ("offset", "size"))
    if offset is None or size is None or offset + size > weights.file_size:
        raise invalid(
            f"The constant “{name[:80]}” lies at {data.get('offset', '?')[:20]} "
            f"with {data.get('size', '?')[:20]} bytes; the .bin has {weights.file_size:,}."
        )
