"""A TensorFlow function as a Core ML program, in FP32 or FP16, for one row at a time."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import coremltools
import tensorflow

from infrastructure.engine.core_ml.program import PRECISIONS, first_row, sizes_of, written
from infrastructure.engine.pass_contract import Rows


def specs_of(wanted: Mapping[str, tuple[Any, Sequence[int | None]]], data: Rows | None) -> Any:
    """TensorSpecs by name, of one row each. `wanted` has types and shapes, None where open. Raises
    PassSkipped where a size is not known."""
    rows = first_row(data)
    return {
        name: tensorflow.TensorSpec(sizes_of(name, shape, rows, len(wanted) == 1), dtype, name=name)
        for name, (dtype, shape) in wanted.items()
    }


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
    return written(model, target, precision)
