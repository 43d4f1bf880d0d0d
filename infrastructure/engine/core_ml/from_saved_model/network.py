"""A SavedModel's serving signature as a function of its inputs by name."""

from pathlib import Path
from typing import Any

import tensorflow

from infrastructure.engine.bundle import unpacked
from infrastructure.engine.core_ml.convert import convert, specs_of
from infrastructure.engine.pass_contract import PassSkipped, Rows

SIGNATURE = "serving_default"


def to_core_ml(source: Path, target: Path, data: Rows | None, precision: str) -> str:
    """Raises PassSkipped without a serving signature or for open sizes, and TensorFlow's and
    coremltools' errors."""
    with unpacked(source) as folder:
        home = next(iter(sorted(folder.rglob("saved_model.pb")))).parent
        loaded = tensorflow.saved_model.load(str(home))  # its variables live as long as it does
        if SIGNATURE not in loaded.signatures:
            raise PassSkipped(
                "NO_SIGNATURE",
                f"It has no signature {SIGNATURE}. Export it with model.export(folder), which "
                "writes one.",
            )
        serving = loaded.signatures[SIGNATURE]
        given = serving.structured_input_signature[1]
        wanted = {name: (one.dtype, one.shape.as_list()) for name, one in given.items()}

        def function(**inputs: Any) -> Any:
            return serving(**inputs)

        return convert(function, specs_of(wanted, data), precision, target)
