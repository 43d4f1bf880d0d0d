"""A real pretrained network: the file-type detector inside the installed package `magika`.

It reads a file's first and last 1,024 bytes and says which of 214 types it is. What it is judged
on is real as well: files of this very installation, with the type that their name's ending
promises as the label. Endings that promise nothing certain (`.h`, `.dat`) are left out. No file is
in both the calibration and the evaluation data, and equal contents count once.
"""

import hashlib
import json
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_OF_A_TYPE = 30
MOST_SEEN_OF_A_TYPE = 400

TYPES = {
    ".bat": "batch",
    ".bmp": "bmp",
    ".bz2": "bzip",
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".css": "css",
    ".csv": "csv",
    ".exe": "pebin",
    ".f90": "fortran",
    ".gif": "gif",
    ".gz": "gzip",
    ".html": "html",
    ".ico": "ico",
    ".jpg": "jpeg",
    ".js": "javascript",
    ".json": "json",
    ".md": "markdown",
    ".npy": "npy",
    ".npz": "npz",
    ".onnx": "onnx",
    ".pem": "pem",
    ".pkl": "pickle",
    ".png": "png",
    ".proto": "proto",
    ".py": "python",
    ".pyc": "pythonbytecode",
    ".rst": "rst",
    ".sh": "shell",
    ".so": "elf",
    ".sql": "sql",
    ".svg": "svg",
    ".tar": "tar",
    ".toml": "toml",
    ".ttf": "ttf",
    ".wav": "wav",
    ".webp": "webp",
    ".xml": "xml",
    ".xz": "xz",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".zip": "zip",
}


@dataclass(frozen=True, slots=True)
class Files:
    """What the demo pushes, and how many real files each set is made of."""

    model: Path
    calibration: Path
    evaluation: Path
    calibration_rows: int
    evaluation_rows: int


@dataclass(frozen=True, slots=True)
class Features:
    """How magika reads a file; its own figures. `types` is in the order of the model's output."""

    begin: int
    end: int
    padding: int
    block: int
    least: int
    types: tuple[str, ...]

    def of(self, path: Path) -> NDArray[np.int32] | None:
        """Its features, `extract v2` of magika: the first and the last bytes, stripped of white
        space, padded in the middle. None for a file too small for the model."""
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            block = min(self.block, size)
            file.seek(0)
            head = file.read(block).lstrip()[: self.begin]
            file.seek(size - block)
            tail = file.read(block).rstrip()[-self.end :]
        found = np.full(self.begin + self.end, self.padding, np.int32)
        found[: len(head)] = np.frombuffer(head, np.uint8)
        found[len(found) - len(tail) :] = np.frombuffer(tail, np.uint8)
        return None if found[self.least - 1] == self.padding else found


def model_folder() -> Path:
    """Where the installed package keeps its one model."""
    folders = Path(str(files("magika") / "models"))
    found = sorted(folders.glob("*/model.onnx"))
    if not found:
        raise FileNotFoundError(f"magika is installed without a model in {folders}")
    return found[-1].parent


def features() -> Features:
    """Read from the model's own configuration."""
    config: dict[str, Any] = json.loads((model_folder() / "config.min.json").read_text())
    return Features(
        begin=config["beg_size"],
        end=config["end_size"],
        padding=config["padding_token"],
        block=config["block_size"],
        least=config["min_file_size_for_dl"],
        types=tuple(config["target_labels_space"]),
    )


def prepare(folder: Path) -> Files:
    """Writes the two sets beside the path of the model, which stays where it is installed."""
    reading = features()
    rows: list[list[NDArray[np.int32]]] = [[], []]
    labels: list[int] = []
    for name, found in samples(reading).items():
        # The even ones are judged on, the odd ones calibrated with.
        rows[0] += found[0::2]
        rows[1] += found[1::2]
        labels += [reading.types.index(name)] * len(found[0::2])
    folder.mkdir(parents=True, exist_ok=True)
    calibration, evaluation = (
        folder / "magika-calibration.npz",
        folder / "magika-evaluation.npz",
    )
    np.savez(calibration, bytes=np.stack(rows[1]))
    np.savez(evaluation, bytes=np.stack(rows[0]), labels=np.array(labels, np.int64))
    return Files(model_folder() / "model.onnx", calibration, evaluation, len(rows[1]), len(rows[0]))


def samples(reading: Features) -> dict[str, list[NDArray[np.int32]]]:
    """Features of real files by type, each content once, no more than some of each type."""
    found: dict[str, list[NDArray[np.int32]]] = {}
    known: set[bytes] = set()
    for name, paths in sorted(_by_type(reading.types).items()):
        for path in _spread(paths):
            features = _readable(reading, path)
            if features is None:
                continue
            digest = hashlib.sha256(features.tobytes()).digest()
            if digest in known:
                continue
            known.add(digest)
            found.setdefault(name, []).append(features)
            if len(found[name]) == MOST_OF_A_TYPE:
                break
    return found


def _by_type(known: tuple[str, ...]) -> dict[str, list[Path]]:
    paths: dict[str, list[Path]] = {}
    for path in _installed():
        name = TYPES.get(path.suffix)
        if name in known and len(paths.setdefault(name, [])) < MOST_SEEN_OF_A_TYPE:
            paths[name].append(path)
    return paths


def _installed() -> Iterator[Path]:
    """Every file of the standard library and of the installed packages, in a stable order."""
    places = sysconfig.get_paths()
    tests = Path(places["stdlib"], "test")
    for place in dict.fromkeys((places["purelib"], places["platlib"], places["stdlib"])):
        for folder, inner, names in os.walk(place):
            # Python's own tests are full of files that are broken on purpose.
            inner[:] = sorted(name for name in inner if Path(folder, name) != tests)
            yield from (Path(folder, name) for name in sorted(names))


def _spread(paths: list[Path]) -> list[Path]:
    """The same paths, neighbors far apart: one package shall not be all that is seen."""
    stride = max(1, len(paths) // MOST_OF_A_TYPE)
    return [path for start in range(stride) for path in paths[start::stride]]


def _readable(reading: Features, path: Path) -> NDArray[np.int32] | None:
    try:
        return reading.of(path)
    except OSError:
        return None
