"""A Keras model as a function of its inputs by name."""

import tempfile
from pathlib import Path
from typing import Any

import keras

from infrastructure.engine.core_ml.convert import convert, specs_of
from infrastructure.engine.pass_contract import Rows

HDF5 = b"\x89HDF\r\n\x1a\n"


def to_core_ml(source: Path, target: Path, data: Rows | None, precision: str) -> str:
    """Raises PassSkipped for open sizes, and Keras's and coremltools' errors. Code inside the
    file (a Lambda layer) is refused by Keras's safe mode."""
    model = _loaded(source)
    names = [one.name for one in model.inputs]
    wanted = {one.name: (one.dtype, tuple(one.shape)) for one in model.inputs}

    def function(**given: Any) -> Any:
        flat = [given[name] for name in names]
        return model(keras.tree.pack_sequence_as(model.input, flat), training=False)

    return convert(function, specs_of(wanted, data), precision, target)


def _loaded(source: Path) -> Any:
    """Keras tells the kind of file by its name alone."""
    with tempfile.TemporaryDirectory() as folder, source.open("rb") as stream:
        kind = ".h5" if stream.read(len(HDF5)) == HDF5 else ".keras"
        named = Path(folder) / f"model{kind}"
        named.symlink_to(source.resolve())
        return keras.saving.load_model(named, compile=False, safe_mode=True)
