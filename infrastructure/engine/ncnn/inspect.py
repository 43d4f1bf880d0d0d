"""Reads what an ncnn network takes and gives, out of its .param text.

    7767517 / layers blobs / Type name inputs outputs input-blobs… output-blobs… key=value…
(github.com/Tencent/ncnn/wiki/param-and-model-file-structure). The weights are in a .bin file of
their own, so this alone cannot run. A binary .param is recognized and not read.
"""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from infrastructure.engine.refusals import model_refused

MOST_BYTES = 64 * 2**20
MOST_LAYERS = 200_000
REMEDY = "Make the .param file again with pnnx or ncnn's converters."
NO_WEIGHTS = (
    "An ncnn .param has its weights in a .bin file beside it, so it is kept and not run here. "
    "Upload the ONNX model that it was made from to optimize it."
)


def inspect_ncnn(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a file that cannot be taken."""
    with file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if not content.startswith(b"7767517"):
        return {"signature": None, "warnings": ["It is a binary .param. " + NO_WEIGHTS]}
    if len(content) > MOST_BYTES:
        raise _invalid(f"The .param has more than {MOST_BYTES:,} bytes.")
    lines = [line.split() for line in content.decode(errors="replace").splitlines() if line.strip()]
    layers = _layers(lines)
    made = [blob for _, _, _, outputs, _ in layers for blob in outputs]
    used = {blob for _, _, inputs, _, _ in layers for blob in inputs}
    signature = {
        "inputs": [
            {"name": outputs[0], "dtype": "float32", "shape": _shape(settings)}
            for kind, _, _, outputs, settings in layers
            if kind == "Input" and outputs
        ],
        "outputs": [
            {"name": blob, "dtype": "float32", "shape": ["?"]} for blob in made if blob not in used
        ],
        "parameters": None,
        "opset": None,
        "operators": dict(sorted(Counter(layer[0] for layer in layers).items())),
    }
    return {"signature": signature, "warnings": [NO_WEIGHTS]}


Layer = tuple[str, str, list[str], list[str], dict[str, str]]


def _layers(lines: list[list[str]]) -> list[Layer]:
    counts = lines[1] if len(lines) > 1 else []
    declared = int(counts[0]) if counts and counts[0].isdecimal() and len(counts[0]) < 9 else -1
    found = [_layer(words) for words in islice(lines, 2, 2 + MOST_LAYERS + 1)]
    if declared != len(found) or declared > MOST_LAYERS:
        raise _invalid(f"The .param declares {declared:,} layers and has {len(found):,}.")
    return found


def _layer(words: list[str]) -> Layer:
    try:
        kind, name, takes, gives = words[0], words[1], int(words[2]), int(words[3])
    except (IndexError, ValueError) as error:
        raise _invalid(f"The line {' '.join(words)[:80]!r} is no layer.") from error
    blobs, settings = words[4 : 4 + takes + gives], words[4 + takes + gives :]
    if min(takes, gives) < 0 or len(blobs) != takes + gives:
        raise _invalid(f"The layer {name[:80]!r} has fewer blobs than it declares.")
    pairs = dict(word.split("=", 1) for word in settings if "=" in word)
    return kind, name, blobs[:takes], blobs[takes:], pairs


def _shape(settings: dict[str, str]) -> list[int | str]:
    """0 width, 1 height, 11 depth, 2 channels; the widest first, as ncnn stores them."""
    sizes = [settings.get(key, "0") for key in ("2", "11", "1", "0")]
    found: list[int | str] = [int(one) for one in sizes if one.isdecimal() and 0 < len(one) < 10]
    return [one for one in found if one] or ["?"]


def _invalid(message: str) -> Any:
    return model_refused("INVALID_MODEL", message, REMEDY)
