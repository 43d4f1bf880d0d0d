"""A TensorFlow function as a Core ML program, in FP32 or FP16, for one row at a time.

Open dimensions other than the first are taken from calibration rows: Core ML's compiler plans for
sizes that are known.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import coremltools
import tensorflow

from infrastructure.engine.core_ml.package import operators, write
from infrastructure.engine.pass_contract import Feed, PassSkipped, Rows

PRECISIONS = {
    "FP32": coremltools.precision.FLOAT32,
    "FP16": coremltools.precision.FLOAT16,
}


def specs_of(wanted: Mapping[str, tuple[Any, Sequence[int | None]]], data: Rows | None) -> Any:
    """TensorSpecs by name, of one row each. `wanted` has types and shapes, None where open. Raises
    PassSkipped where a size is not known."""
    rows = next(iter(data.iterate(1, 1)), {}) if data is not None else {}
    return {
        name: tensorflow.TensorSpec(_sizes(name, shape, rows, len(wanted) == 1), dtype, name=name)
        for name, (dtype, shape) in wanted.items()
    }


def _sizes(name: str, shape: Sequence[int | None], rows: Feed, alone: bool) -> list[int]:
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


def convert(function: Callable[..., Any], specs: Any, precision: str, target: Path) -> str:
    """`function` takes the specs' tensors by name. Raises coremltools' errors."""
    traced = tensorflow.function(function).get_concrete_function(**specs)
    model = coremltools.convert(
        [traced],
        source="tensorflow",
        convert_to="mlprogram",
        compute_precision=PRECISIONS[precision],
        skip_model_load=True,
    )
    write(model, target)
    return (
        f"A Core ML program of {operators(model).total()} operations in {precision}, for one row "
        f"at a time, specification {model.get_spec().specificationVersion}. It was built, and has "
        "not been run: that takes an Apple system."
    )
