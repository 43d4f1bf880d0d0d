"""Reads what a Core ML model takes and gives, out of its specification; no coremltools.

The messages are coremltools' mlmodel/format/{Model,FeatureTypes,MIL}.proto; the numbers are their
fields:

    Model.specificationVersion 1, .description 2 ─► input 1, output 10: name 1, type 3
         .mlProgram 502 ─► Program.functions 2 ─► Function.block_specializations 3
                                                    ─► Block.operations 3
"""

from collections import Counter
from pathlib import Path
from typing import Any

from infrastructure.engine import archive, wire
from infrastructure.engine.refusals import model_refused

MOST_BYTES = 2**31 - 1
PROGRAM, CUSTOM = 502, 555
IMAGE, MULTI_ARRAY, STATE = 4, 5, 8
SIMPLE = {1: "int64", 2: "float64", 3: "string", 6: "map", 7: "sequence", STATE: "state"}
ARRAY_TYPES = {
    65552: "float16", 65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8",
}  # fmt: skip
COLORS = {10: 1, 20: 3, 30: 3, 40: 1}
FLOATS = (10, 11, 12)
WEIGHTS = ("const", "constexpr_")
"""MIL's operations that bring weights; the others compute."""
REMEDY = "Save the model again with coremltools: model.save(“model.mlpackage”), and zip the folder."


def inspect_core_ml(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    content = memoryview(archive.content(file, _place(file), MOST_BYTES))
    try:
        description = next(wire.messages(content, 2), None)
        if description is None:
            raise model_refused("INVALID_MODEL", "Its specification describes nothing.", REMEDY)
        operations = list(wire.messages(content, PROGRAM, 2, 2, 3, 2, 3))
        signature = {
            "inputs": [_feature(one) for one in wire.messages(description, 1)],
            "outputs": [_feature(one) for one in wire.messages(description, 10)],
            "parameters": sum(map(_parameters, operations)) if operations else None,
            "opset": None,
            "operators": _operators(operations),
        }
        custom = any(True for _ in wire.messages(content, CUSTOM))
    except wire.Malformed as error:
        raise model_refused(
            "INVALID_MODEL", f"Its specification cannot be read: {error}.", REMEDY
        ) from error
    if not signature["outputs"]:
        raise model_refused("NO_OUTPUTS", "The model gives no outputs.", REMEDY)
    return {"signature": signature, "warnings": _warnings(wire.number(content, 1), custom)}


def _place(file: Path) -> str:
    names = sorted(one.filename for one in archive.entries(file))
    found = [name for name in names if name.endswith(".mlmodel")]
    if len(found) != 1:
        raise model_refused(
            "INVALID_MODEL", f"The zip has {len(found)} .mlmodel files.", "Zip one model's folder."
        )
    return found[0]


def _feature(feature: memoryview) -> dict[str, Any]:
    kind, value = "unknown", memoryview(b"")
    shape: list[int | str] = []
    for number, found in wire.fields(next(wire.messages(feature, 3), memoryview(b""))):
        if not isinstance(found, memoryview):
            continue
        if number == MULTI_ARRAY:
            shape = [size or "?" for size in wire.numbers(found, 1)] or ["?"]
            kind = ARRAY_TYPES.get(wire.number(found, 2), "unknown")
        elif number == IMAGE:
            value = found
            sizes = [wire.number(value, 2) or "?", wire.number(value, 1) or "?"]
            shape = [*sizes, COLORS.get(wire.number(value, 3), "?")]
            kind = "image"
        elif number in SIMPLE:
            kind = SIMPLE[number]
    return {"name": wire.text(feature, 1), "dtype": kind, "shape": shape}


def _operators(operations: list[memoryview]) -> dict[str, int]:
    counted = Counter(wire.text(one, 1) for one in operations)
    return {name: count for name, count in sorted(counted.items()) if not name.startswith(WEIGHTS)}


def _parameters(operation: memoryview) -> int:
    """Numbers in what a `const` or `constexpr_…` of floats gives. Operation: type 1, outputs 3;
    NamedValueType: type 2 ─► tensorType 1: dataType 1, dimensions 3 ─► constant 1: size 1."""
    if not wire.text(operation, 1).startswith(WEIGHTS):
        return 0
    total = 0
    for tensor in wire.messages(operation, 3, 2, 1):
        if wire.number(tensor, 1) in FLOATS:
            count = 1
            for size in wire.messages(tensor, 3, 1):
                count *= wire.number(size, 1)
            total += count
    return total


def _warnings(version: int, custom: bool) -> list[str]:
    told = [f"Core ML specification {version}: it runs on Apple devices alone, not here."]
    if custom:
        told.append("It needs a custom model class, which the app that runs it must bring.")
    return told
