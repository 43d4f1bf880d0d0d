"""What the passes on weights alone share: NNCF's `compress_weights`, and proof of what it did."""

import logging
from pathlib import Path
from typing import Any

import nncf
import openvino as ov
from nncf.quantization.advanced_parameters import AdvancedCompressionParameters

from infrastructure.engine.openvino import document
from infrastructure.engine.openvino.bundled import net_of
from infrastructure.engine.openvino.files import layer_names, read, write
from infrastructure.engine.pass_contract import PassSkipped

SMALLEST_GROUP = 8


def ready(source: Path) -> ov.Model:
    """The model, and NNCF made to keep what it says to itself. Raises PassSkipped for one whose
    weights are no floats."""
    nncf.set_log_level(logging.ERROR)
    kinds = document.constant_types(net_of(source))
    floats = sum(kinds.get(kind, 0) for kind in document.FLOATS)
    if 2 * floats < sum(kinds.get(kind, 0) for kind in document.SMALL):
        raise PassSkipped(
            "ALREADY_QUANTIZED",
            "Its weights are quantized already. Start from the float model that it was made from.",
        )
    return read(source)


def compressed(
    source: Path, target: Path, mode: nncf.CompressWeightsMode, group: int | None = None
) -> dict[str, int]:
    """Writes the model with its weights in `mode`, and gives bytes of constants by element type.
    `group` is how many weights share a scale; where a row of weights is no multiple of it the
    largest smaller power of two is taken, and INT8 where that is below 8. Raises PassSkipped where
    nothing changed."""
    model = ready(source)
    known = layer_names(model)
    settings: dict[str, Any] = {}
    if group is not None:
        settings = {
            "group_size": group,
            "all_layers": True,
            "advanced_parameters": AdvancedCompressionParameters(
                group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST,
                min_adjusted_group_size=min(SMALLEST_GROUP, group),
            ),
        }
    made = nncf.compress_weights(model, mode=mode, **settings)
    write(made, target, known)
    return changed(source, target)


def changed(source: Path, target: Path) -> dict[str, int]:
    """Bytes of constants by element type in what was made. Raises PassSkipped, and leaves no file,
    where the types are those of the source."""
    before, after = (document.constant_types(net_of(one)) for one in (source, target))
    if before.keys() == after.keys():
        target.unlink()
        raise PassSkipped(
            "NOTHING_QUANTIZED",
            "NNCF found no weights that it can make smaller in this way. Try STATIC_INT8.",
        )
    return after


def said(kinds: dict[str, int], small: str, name: str, group: int) -> str:
    """`small` is the 4-bit element type."""
    backup = kinds.get("u8", 0)
    rest = f", {backup:,} INT8 per channel" if backup else ""
    return f"{2 * kinds.get(small, 0):,} weights are {name} in groups of {group}{rest}."
