"""Outputs of source and variant, written down row after row for a scorer that runs elsewhere.

In a folder: `source-0.npy`, `variant-0.npy` and so on, one file an output, each a chain of arrays
in NumPy's format, one for each run; `about.json` names the outputs, the arrays of the dataset that
are no inputs, and the rows of each run.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from application.ports.engine import EngineRefusal
from infrastructure.engine.npz.arrays import blocks, members
from infrastructure.engine.proof.scorers.tally import Array, Outputs

SIDES = ("source", "variant")
ABOUT = "about.json"
MOST_BYTES = 2**30
KINDS = "biufU"


class Recorder:
    """To be closed; what was written can be read then. Raises EngineRefusal for more than a GiB."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._files = folder, ExitStack()
        self._streams: dict[str, list[Any]] = {}
        self._names: list[str] = []
        self._labels: list[str] = []
        self._bytes, self._runs = 0, list[int]()

    def add(self, both: Sequence[Outputs], truth: Outputs) -> None:
        """What source and variant gave for the same rows."""
        if not self._streams:
            self._open(both[0], truth)
        self._runs.append(len(next(iter(truth.values()), ())))
        for side, outputs in zip(SIDES, both, strict=True):
            for stream, name in zip(self._streams[side], self._names, strict=True):
                value = np.ascontiguousarray(outputs[name])
                self._bytes += value.nbytes
                np.lib.format.write_array(stream, value, allow_pickle=False)
        if self._bytes > MOST_BYTES:
            raise EngineRefusal(
                "SCORER_OUTPUTS_TOO_LARGE",
                f"After {sum(self._runs):,} rows the outputs have {self._bytes:,} bytes; your own "
                f"scorer is given {MOST_BYTES:,} at most.",
                "Evaluate on fewer rows.",
                "scorer",
            )

    def _open(self, outputs: Outputs, truth: Outputs) -> None:
        self._names = [
            name
            for name, value in outputs.items()
            if isinstance(value, np.ndarray) and value.dtype.kind in KINDS
        ]
        self._labels = list(truth)
        for side in SIDES:
            paths = [self._folder / f"{side}-{place}.npy" for place in range(len(self._names))]
            self._streams[side] = [self._files.enter_context(path.open("wb")) for path in paths]

    def close(self) -> None:
        self._files.close()
        about = {"outputs": self._names, "labels": self._labels, "runs": self._runs}
        (self._folder / ABOUT).write_text(json.dumps(about))


def outputs_of(folder: Path, side: str) -> dict[str, NDArray[Any]]:
    """By name, all rows together. An output whose shape differs from run to run is an array of
    objects, one array for each run."""
    about = json.loads((folder / ABOUT).read_text())
    return {
        name: _together(list(_chain(folder / f"{side}-{place}.npy")), about["runs"])
        for place, name in enumerate(about["outputs"])
    }


def _chain(file: Path) -> Iterator[Array]:
    end = file.stat().st_size
    with file.open("rb") as stream:
        while stream.tell() < end:
            yield np.lib.format.read_array(stream, allow_pickle=False)


def _together(runs: list[Array], rows: list[int]) -> Array:
    """Runs that have their rows in the first place are put one after the other."""
    in_rows = all(run.shape[:1] == (count,) for run, count in zip(runs, rows, strict=True))
    if in_rows and len({run.shape[1:] for run in runs}) == 1:
        return np.concatenate(runs)
    if len({run.shape for run in runs}) == 1:
        return np.stack(runs)
    ragged = np.empty(len(runs), dtype=object)
    for place, run in enumerate(runs):
        ragged[place] = run
    return ragged


def labels_of(folder: Path, data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the dataset that are no inputs, as many rows as were run."""
    about = json.loads((folder / ABOUT).read_text())
    wanted = [member for member in members(data) if member.name in about["labels"]]
    if not wanted:
        return {}
    pieces = list(blocks(data, wanted, most=sum(about["runs"])))
    return {one.name: np.concatenate([piece[one.name] for piece in pieces]) for one in wanted}
