"""Files that survive a power cut: data first, then the folder entry that names it.

A file's own fsync does not make its name durable; the folder has to be synced too. obstore's
LocalStore does neither, which is why local blobs are plain files.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from application.ports.blobs import READ_BYTES, BlobCorrupt
from application.storage_full import refusing_when_full


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Creates a folder (mode 0700) and the ones above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def blocks_of(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The bytes of a file from `start`, at most `length` of them. The file is opened at once."""
    file = path.open("rb", buffering=0)
    file.seek(start)

    def blocks() -> Iterator[bytes]:
        left = length
        with file:
            while left is None or left > 0:
                block = file.read(READ_BYTES if left is None else min(READ_BYTES, left))
                if not block:
                    return
                if left is not None:
                    left -= len(block)
                yield block

    return blocks()


@refusing_when_full()
def copy_verified(blocks: Iterable[bytes], sha256: str, into: Path) -> None:
    """Writes the blocks to the file `into` (mode 0600). Raises BlobCorrupt, leaving no file.

    Not synced: the copy serves a process, and dies with it.
    """
    digest = hashlib.sha256()
    try:
        descriptor = os.open(into, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for block in blocks:
                digest.update(block)
                write_all(file.fileno(), block)
        if digest.hexdigest() != sha256:
            raise BlobCorrupt(f"the blob {sha256} holds bytes with sha256 {digest.hexdigest()}")
    except BaseException:
        into.unlink(missing_ok=True)
        raise


def write_all(descriptor: int, block: bytes | memoryview) -> None:
    """Writes the whole block: the system may take less than it was given."""
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def write_all_at(descriptor: int, block: bytes | memoryview, offset: int) -> None:
    """The same at a place of the file."""
    view = memoryview(block)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
