"""A .pt2 file as JSON and names of raw files, without torch. Nothing in it is unpickled."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application.ports.engine import EngineRefusal
from infrastructure.engine import archive
from infrastructure.engine.refusals import model_refused

MOST_JSON_BYTES = 256 * 2**20
MODEL = re.compile(r"((?:[^/]+/)?)models/([^/]+)\.json")
SAVE_AGAIN = (
    "Save it again with a current PyTorch: torch.export.save(torch.export.export(model, "
    "(example,)), “model.pt2”)."
)
KINDS = {
    1: ("uint8", 1), 2: ("int8", 1), 3: ("int16", 2), 4: ("int32", 4), 5: ("int64", 8),
    6: ("float16", 2), 7: ("float32", 4), 8: ("float64", 8), 9: ("complex32", 4),
    10: ("complex64", 8), 11: ("complex128", 16), 12: ("bool", 1), 13: ("bfloat16", 2),
    28: ("uint16", 2), 29: ("float8_e4m3fn", 1), 30: ("float8_e5m2", 1), 34: ("uint32", 4),
    35: ("uint64", 8),
}  # fmt: skip
"""torch._export.serde.schema.ScalarType: NumPy's name, and bytes of one."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A weight or constant: the entry with its numbers, its type and its sizes."""

    entry: str
    kind: str
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """`root` is the folder that everything is in, `name` the model's; `program` is what torch calls
    ExportedProgram; `configs` are the JSON files that say which entry holds which weight, by their
    entries, and `payloads` what they say."""

    root: str
    name: str
    program: dict[str, Any]
    configs: dict[str, dict[str, Any]]
    payloads: tuple[Payload, ...]


def read(file: Path) -> Archived:
    """Raises EngineRefusal for what is no whole .pt2 of one model, or keeps pickles for weights."""
    sizes = {one.filename: one.file_size for one in archive.entries(file)}
    models = [found for name in sizes if (found := MODEL.fullmatch(name))]
    if len(models) != 1:
        raise broken(f"It holds {len(models)} programs; one model is one.")
    root, name = models[0].groups()
    program = _json(file, f"{root}models/{name}.json")
    configs = {
        entry: _json(file, entry)
        for kind in ("weights", "constants")
        for entry in [f"{root}data/{kind}/{name}_{kind}_config.json"]
        if entry in sizes
    }
    if not any("weights" in entry for entry in configs):
        raise broken("It does not say where its weights are.")
    try:
        payloads = tuple(
            _payload(entry.rpartition("/")[0], one, sizes)
            for entry, config in configs.items()
            for one in config["config"].values()
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise broken(f"What it says of its weights makes no sense ({error!r}).") from error
    return Archived(root, name, program, configs, payloads)


def broken(message: str) -> EngineRefusal:
    return model_refused("INVALID_MODEL", message[:400], SAVE_AGAIN)


def _json(file: Path, entry: str) -> dict[str, Any]:
    try:
        found = json.loads(archive.content(file, entry, MOST_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise broken(f"{entry[:100]} cannot be read ({str(error)[:200]}).") from error
    if not isinstance(found, dict):
        raise broken(f"{entry[:100]} holds no object.")
    return found


def _payload(folder: str, told: dict[str, Any], sizes: dict[str, int]) -> Payload:
    entry = f"{folder}/{told['path_name']}"
    if told["use_pickle"] or not re.fullmatch(r"(weight|tensor)_\d+", told["path_name"]):
        raise model_refused(
            "PICKLE",
            f"Its tensor {told['path_name'][:60]!r} is kept as a pickle. Pickles run code when "
            "they are loaded, so it was not loaded and never will be.",
            "Export the float model, with plain tensors alone (not quantized by torchao, no custom "
            "classes), and let Edgewise quantize it.",
        )
    meta = told["tensor_meta"]
    kind, width = KINDS[meta["dtype"]]
    size, strides = _integers(meta["sizes"]), _integers(meta["strides"])
    (offset,) = _integers([meta["storage_offset"]])
    last = offset + sum((n - 1) * step for n, step in zip(size, strides, strict=True))
    if math.prod(size) and not 0 <= width * last + width <= sizes[entry]:
        raise ValueError(f"{entry} has {sizes[entry]:,} bytes, and its tensor reaches beyond them")
    return Payload(entry, kind, size)


def _integers(told: list[dict[str, int]]) -> tuple[int, ...]:
    found = tuple(one["as_int"] for one in told)
    if not all(type(one) is int and one >= 0 for one in found):
        raise ValueError("a size that is no number")
    return found
