"""What a Keras HDF5 file holds: the configuration's text, and how many weights.

Only attributes and shapes are read, no numbers. Links to other files and data kept outside the
file, which HDF5 knows, are refused: a loader would open whatever they name.
"""

import math
import tempfile
from pathlib import Path

import h5py  # type: ignore[import-untyped]

from application.ports.engine import EngineRefusal
from infrastructure.engine import archive
from infrastructure.engine.refusals import model_refused, not_a_model

CONFIG = "model_config"
WEIGHTS = "model_weights"
OPTIMIZER = ("optimizer_weights", "optimizer")
MOST_BYTES = 2**33
MOST_OBJECTS = 1_000_000
MOST_DEPTH = 64
DAMAGED = "It may have been damaged on the way. Save the model and upload it again."


def of_hdf5(file: Path) -> tuple[bytes, int]:
    """The configuration and the number of weights of an .h5 file. Raises EngineRefusal."""
    try:
        with h5py.File(file, "r") as opened:
            text = opened.attrs.get(CONFIG)
            if text is None:
                raise not_a_model(
                    "It is HDF5 without a Keras model's configuration.",
                    "Save the whole model: model.save(“model.keras”).",
                )
            counted = _counted(opened)
    except _BROKEN as error:
        raise _damaged(error) from error
    return text if isinstance(text, bytes) else str(text).encode(), counted


def of_zip(file: Path, name: str) -> int:
    """The number of weights in the HDF5 file that is this entry of a zip. Raises EngineRefusal."""
    with tempfile.TemporaryFile() as copy:
        archive.copy(file, name, copy, MOST_BYTES)
        try:
            with h5py.File(copy, "r") as opened:
                return _counted(opened)
        except _BROKEN as error:
            raise _damaged(error) from error


_BROKEN = (OSError, KeyError, ValueError, RuntimeError, TypeError, RecursionError)


def _counted(root: "h5py.File") -> int:
    """Numbers in all datasets but the optimizer's, each object once, however it is linked."""
    total, seen = 0, set()
    waiting = [(root, 0)]
    while waiting:
        group, depth = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _outside(name, "is a link")
            found = group[name]
            known = h5py.h5o.get_info(found.id)
            if (known.fileno, known.addr) in seen:
                continue
            seen.add((known.fileno, known.addr))
            if len(seen) > MOST_OBJECTS or depth > MOST_DEPTH:
                raise _outside(name, "is nested too deep or one of too many")
            if isinstance(found, h5py.Dataset):
                total += _elements(found, name)
            elif isinstance(found, h5py.Group) and not (depth == 0 and name in OPTIMIZER):
                waiting.append((found, depth + 1))
    return total


def _elements(dataset: "h5py.Dataset", name: str) -> int:
    if dataset.external or dataset.is_virtual:
        raise _outside(name, "keeps its numbers in another file")
    return math.prod(dataset.shape or ()) if dataset.dtype.kind == "f" else 0


def _outside(name: str, what: str) -> EngineRefusal:
    return model_refused(
        "UNSAFE_ARCHIVE",
        f"“{name[:80]}” in the HDF5 file {what}.",
        "Save the model again with Keras, in one file.",
    )


def _damaged(error: Exception) -> EngineRefusal:
    return not_a_model(f"Its HDF5 cannot be read ({str(error)[:120]}).", DAMAGED)
