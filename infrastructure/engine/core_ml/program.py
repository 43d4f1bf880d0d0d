"""What all conversions to a Core ML program share: its precision, the sizes of its inputs, and what
is said of it. Open sizes are taken from calibration rows: Core ML's compiler plans for sizes that
are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coremltools

from infrastructure.engine.core_ml.package import operators, write
from infrastructure.engine.pass_contract import Feed, PassSkipped, Rows

PRECISIONS = {
    "FP32": coremltools.precision.FLOAT32,
    "FP16": coremltools.precision.FLOAT16,
}


def first_row(data: Rows | None) -> Feed:
    return next(iter(data.iterate(1, 1)), {}) if data is not None else {}


def sizes_of(name: str, shape: Sequence[int | None], rows: Feed, alone: bool) -> list[int]:
    """For one row. `alone`: it is the only input, which an array of any name feeds. Raises
    PassSkipped where a size is not known."""
    sizes = [1 if axis == 0 and size is None else size for axis, size in enumerate(shape)]
    seen = rows.get(name)
    if seen is None and alone and len(rows) == 1:
        seen = next(iter(rows.values()))
    if seen is not None and seen.ndim == len(sizes):
        sizes = [
            found if size is None else size for size, found in zip(sizes, seen.shape, strict=True)
        ]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        raise PassSkipped(
            "OPEN_DIMENSIONS",
            f"The input “{name}” leaves more open than its number of rows. Give calibration rows "
            "of the size that is used, or save the model with fixed sizes.",
        )
    return known


def written(model: Any, target: Path, precision: str) -> str:
    """Writes coremltools' MLModel, and says what it is."""
    write(model, target)
    return (
        f"A Core ML program of {operators(model).total()} operations in {precision}, for one row "
        f"at a time, specification {model.get_spec().specificationVersion}. It was built, and has "
        "not been run: that takes an Apple system."
    )
