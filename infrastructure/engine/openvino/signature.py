"""What an OpenVINO model takes and gives, told by its document.

A tensor can have several names, separated by commas (a comma in a name is escaped); OpenVINO calls
it by the one that sorts first, and a tensor without any by its layer's.
"""

import re
from typing import Any

from infrastructure.engine.openvino.document import Element, number
from infrastructure.engine.refusals import model_refused

NUMPY_NAMES = {
    "f16": "float16", "f32": "float32", "f64": "float64", "bf16": "bfloat16", "boolean": "bool",
    "i4": "int4", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "u1": "uint1", "u4": "uint4", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
    "nf4": "nf4", "f8e4m3": "float8e4m3fn", "f8e5m2": "float8e5m2", "string": "string",
    "fp16": "float16", "fp32": "float32", "fp64": "float64", "bool": "bool",
}  # fmt: skip
"""Of OpenVINO's element types; a port spells some of them in another way."""
_COMMA = re.compile(r"(?<!\\),")


def inputs(net: Element) -> list[dict[str, Any]]:
    """`{"name", "dtype", "shape"}` of each, a shape's open places as “?”. Raises EngineRefusal for
    an input whose number of dimensions is open."""
    found = []
    for one in net.findall("layers/layer[@type='Parameter']"):
        data, port = one.find("data"), one.find("output/port")
        told = {} if data is None else data.attrib
        names = "" if port is None else port.get("names")
        name = first_name(names) or one.get("name", "")
        places = [place.strip() for place in told.get("shape", "").split(",") if place.strip()]
        if "..." in places:
            raise model_refused(
                "OPEN_RANK",
                f"The input “{name[:120]}” can have any number of dimensions.",
                "Convert the model with a shape: openvino.convert_model(path, input=[…]).",
            )
        kind, shape = told.get("element_type", ""), [_place(place) for place in places]
        found.append({"name": name, "dtype": _dtype(kind), "shape": shape})
    return found


def outputs(net: Element) -> list[dict[str, Any]]:
    """The same of what the net gives. A Result is called by itself, else by the tensor that it
    reads, else by the layer that makes it."""
    found = {one.get("id"): one for one in net.findall("layers/layer")}
    edges = {one.get("to-layer"): one for one in net.findall("edges/edge")}
    return [
        _output(one, edges.get(one.get("id")), found)
        for one in net.findall("layers/layer[@type='Result']")
    ]


def _output(
    result: Element, edge: Element | None, found: dict[str | None, Element]
) -> dict[str, Any]:
    maker = None if edge is None else found.get(edge.get("from-layer"))
    ports = [] if maker is None else maker.findall("output/port")
    place = "" if edge is None else edge.get("from-port")
    made = next((port for port in ports if port.get("id") == place), None)
    port = result.find("input/port") if made is None else made
    name = first_name(result.get("output_names"))
    if made is not None and maker is not None:
        suffix = f".{ports.index(made)}" if len(ports) > 1 else ""
        name = name or first_name(made.get("names")) or maker.get("name", "") + suffix
    return {
        "name": name or result.get("name", ""),
        "dtype": _dtype("" if port is None else port.get("precision", "")),
        "shape": [] if port is None else [_place(each.text or "") for each in port.findall("dim")],
    }


def first_name(names: str | None) -> str:
    found = sorted(one.replace("\\,", ",") for one in _COMMA.split(names or "") if one)
    return found[0] if found else ""


def _dtype(kind: str) -> str:
    return NUMPY_NAMES.get(kind.lower(), kind or "unknown")


def _place(text: str) -> int | str:
    found = number(text.strip())
    return "?" if found is None else found
