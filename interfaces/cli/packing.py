"""A model of several files as one zip, for an upload is one file.

| pushed | packed |
| --- | --- |
| a folder: a SavedModel, an .mlpackage … | every file in it that is not hidden |
| an OpenVINO .xml with its .bin beside it | both |
| an .onnx with its .onnx.data, .onnx_data or .data beside it | both |

The same files give the same bytes: sorted by path, stored, without dates. The zip lies in the state
folder until it has arrived, so that a push that was cut off goes on where it stopped.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from interfaces.cli.client import unreadable
from interfaces.cli.connection import state_folder
from interfaces.cli.refused import CommandRefused, ServerAway

MOST_FILES = 10_000
MODELS = ("saved_model.pb", ".mlmodel", ".onnx", ".xml")
"""How the main file of a model of several files is called; the server looks closer."""
BLOCK_BYTES = 1 << 22
EARLIEST = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16

Progress = Callable[[int, int], None]
"""Called with the bytes packed so far and the bytes of all files."""


@contextmanager
def one_file(path: Path, progress: Progress = lambda done, size: None) -> Iterator[Path]:
    """The path itself, or a zip of what belongs together. Raises CommandRefused.

    The zip goes when the block ends well or is refused, and stays for another try otherwise."""
    files = parts(path)
    if not files:
        yield path
        return
    try:
        packed = _packed(path, files, progress)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        yield packed
    except CommandRefused as refused:
        if not isinstance(refused, ServerAway):
            shutil.rmtree(packed.parent, ignore_errors=True)
        raise
    shutil.rmtree(packed.parent, ignore_errors=True)


def parts(path: Path) -> dict[str, Path]:
    """What is packed, by its name in the zip; nothing where the file goes alone."""
    try:
        if path.is_dir():
            return _folder(path)
        beside = [one for one in _beside(path) if one.is_file()] if path.is_file() else []
    except OSError as error:
        raise unreadable(path, error) from error
    return {one.name: one for one in (path, *beside)} if beside else {}


def name_of(path: Path) -> str:
    """What a model from this path is called when nobody says: without its ending, which a folder
    has only as a package (.mlpackage)."""
    path = path.resolve()
    return path.stem if path.suffix == ".mlpackage" or not path.is_dir() else path.name


def _beside(path: Path) -> list[Path]:
    if path.suffix == ".xml":
        return [path.with_suffix(".bin")]
    if path.suffix == ".onnx":
        names = (f"{path.name}.data", f"{path.name}_data", f"{path.stem}.data")
        return [path.with_name(name) for name in names]
    return []


def _folder(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            found[inside.as_posix()] = path
        if len(found) > MOST_FILES:
            raise CommandRefused(
                "FILE",
                f"{folder} has more than {MOST_FILES:,} files. Push the folder of one model.",
                "file",
            )
    if not any(name.endswith(MODELS) for name in found):
        raise CommandRefused(
            "FILE",
            f"{folder} is a folder without a model: a SavedModel, an .mlpackage, an .onnx or an "
            ".xml with the files that belong to it.",
            "file",
        )
    return found


def _packed(path: Path, files: dict[str, Path], progress: Progress) -> Path:
    """The zip of an earlier push, when nothing has changed since, or a new one."""
    place = state_folder() / "packed" / _hash(str(path.resolve()))
    facts = {name: one.stat() for name, one in files.items()}
    state = _hash(*(f"{name}/{one.st_size}/{one.st_mtime_ns}" for name, one in facts.items()))
    target = place / state / f"{name_of(path)}.zip"
    if target.exists():
        return target
    shutil.rmtree(place, ignore_errors=True)
    target.parent.mkdir(parents=True, mode=0o700)
    half = target.with_suffix(".half")
    _write(half, files, sum(one.st_size for one in facts.values()), progress)
    return half.replace(target)


def _write(target: Path, files: dict[str, Path], size: int, progress: Progress) -> None:
    done = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = PLAIN_FILE
            entry.file_size = path.stat().st_size
            with path.open("rb") as read, packed.open(entry, "w") as written:
                while block := read.read(BLOCK_BYTES):
                    written.write(block)
                    done += len(block)
                    progress(done, size)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:24]
