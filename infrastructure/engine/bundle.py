"""A model of several files as one zip: the same files give the same bytes."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.engine import archive

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
COPIED_AT_ONCE = 1 << 20


def pack(folder: Path, target: Path) -> None:
    """Every file in the folder, sorted by its path there, stored as it is, without its date."""
    files = sorted(
        (path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file()
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = _PLAIN_FILE
            entry.file_size = path.stat().st_size
            with path.open("rb") as read, packed.open(entry, "w") as written:
                shutil.copyfileobj(read, written, COPIED_AT_ONCE)


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """A temporary folder with what is in the zip. Raises EngineRefusal for one that is not safe."""
    found = archive.entries(file)
    with tempfile.TemporaryDirectory(prefix="unpacked-") as made:
        folder = Path(made).resolve()
        for entry in found:
            target = folder / entry.filename
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as written:
                archive.copy(file, entry.filename, written, entry.file_size)
        yield folder
