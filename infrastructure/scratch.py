"""Scratch folders: each process works in one of its own, and what the dead left is removed.

    <root>/<id>.lock   locked as long as the process lives: the system lets go of it at any death
    <root>/<id>/       its working copies
The lock is taken before the folder is made, so a folder whose lock is free belongs to nobody.
"""

import fcntl
import os
import shutil
import time
from pathlib import Path
from uuid import uuid4

STARTING_SECONDS = 60.0
"""How long a lock may be without its folder."""

STRAY_SECONDS = 86_400.0
"""After so long, what stands in the root and belongs to nobody is taken to be rubbish."""


class Scratch:
    """The scratch folders of one machine's processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = uuid4().hex
        self._lock: int | None = None

    def own(self) -> Path:
        """The folder of this process, which is made at the first call, when the dead of this
        machine are cleared away too."""
        folder = self._root / self._name
        if self._lock is None:
            self.sweep()
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._lock_of(folder), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            folder.mkdir()
        return folder

    def sweep(self) -> int:
        """Removes the folders of processes that are gone; gives the bytes freed."""
        if not self._root.is_dir():
            return 0
        return sum(self._swept(path) for path in sorted(self._root.iterdir()))

    def close(self) -> None:
        if self._lock is None:
            return
        shutil.rmtree(self._root / self._name, ignore_errors=True)
        self._lock_of(self._root / self._name).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def _swept(self, path: Path) -> int:
        if path.suffix == ".lock":
            alone = not path.with_suffix("").exists() and _age(path) > STARTING_SECONDS
            return self._remove_if_free(path) if alone else 0
        lock = self._lock_of(path)
        if lock.exists():
            return self._remove_if_free(lock)
        return _removed(path) if _age(path) > STRAY_SECONDS else 0

    def _remove_if_free(self, lock: Path) -> int:
        try:
            file = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            return 0
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            freed = _removed(lock.with_suffix(""))
            lock.unlink(missing_ok=True)
        except BlockingIOError:
            return 0
        finally:
            os.close(file)
        return freed

    @staticmethod
    def _lock_of(folder: Path) -> Path:
        return folder.with_name(f"{folder.name}.lock")


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _removed(path: Path) -> int:
    if path.is_symlink() or path.is_file():
        size = path.lstat().st_size
        path.unlink(missing_ok=True)
        return size
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder) / name
            if file.exists():
                size += file.lstat().st_size
    shutil.rmtree(path, ignore_errors=True)
    return size
