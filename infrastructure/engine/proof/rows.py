"""A dataset's rows as the passes and the comparison want them, streamed from the .npz."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.dataset import LABELS
from infrastructure.engine.npz.arrays import blocks, members
from infrastructure.engine.pass_contract import Feed


class NpzRows:
    """Rows of all arrays, of the array `labels` only where `labelled`. Raises EngineRefusal when
    the file cannot be read."""

    def __init__(self, file: Path, labelled: bool = False) -> None:
        self._file = file
        found = members(file)
        self._labels = [one for one in found if one.name == LABELS]
        self._data = found if labelled else [one for one in found if one.name != LABELS]

    @property
    def rows(self) -> int:
        return self._data[0].shape[0]

    def iterate(self, batch_rows: int, limit: int | None = None) -> Iterator[Feed]:
        """From the first row on, `batch_rows` at a time, the last batch shorter."""
        yield from blocks(self._file, self._data, batch_rows, limit)

    def labels(self, limit: int | None = None) -> NDArray[Any] | None:
        """Classes, one integer a row; None where the file has no such labels."""
        classes = [one for one in self._labels if one.dtype.kind in "iu" and len(one.shape) == 1]
        if not classes:
            return None
        return np.concatenate([block[LABELS] for block in blocks(self._file, classes, most=limit)])


def rows_of(file: str | None, labelled: bool = False) -> NpzRows | None:
    return None if file is None else NpzRows(Path(file), labelled)
