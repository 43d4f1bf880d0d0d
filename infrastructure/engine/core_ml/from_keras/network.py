"""A Keras model as a function of its inputs by name."""

from pathlib import Path
from typing import Any

import keras

from infrastructure.engine.core_ml.convert import convert, specs_of
from infrastructure.engine.keras.load import loaded
from infrastructure.engine.pass_contract import Rows


def to_core_ml(source: Path, target: Path, data: Rows | None, precision: str) -> str:
    """Raises PassSkipped for open sizes, EngineRefusal for what Keras does not load, and
    coremltools' errors."""
    model = loaded(source)
    names = [one.name for one in model.inputs]
    wanted = {one.name: (one.dtype, tuple(one.shape)) for one in model.inputs}

    def function(**given: Any) -> Any:
        flat = [given[name] for name in names]
        return model(keras.tree.pack_sequence_as(model.input, flat), training=False)

    return convert(function, specs_of(wanted, data), precision, target)
