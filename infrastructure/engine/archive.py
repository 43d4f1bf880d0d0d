"""Looks into a zip without unpacking it, and refuses one that is meant to do harm.

A bomb is told by what it declares: more than `MOST_BYTES` in all, or a ratio above `MOST_RATIO`
for what is large at all. Names that climb out, absolute names, links, encrypted entries and
names that are there twice (readers differ in which they take) are refused before a byte is read.
zipfile itself never reads past a declared size.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from application.ports.engine import EngineRefusal
from infrastructure.engine.refusals import not_a_model, unsafe_archive

MOST_ENTRIES = 10_000
MOST_BYTES = 32 * 2**30
MOST_RATIO = 250
SMALL_BYTES = 64 * 2**20
BLOCK_BYTES = 2**20


def entries(file: Path, most_bytes: int = MOST_BYTES) -> list[zipfile.ZipInfo]:
    """Every entry of a zip that is safe to read, and declares at most `most_bytes` in all. Raises
    EngineRefusal."""
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise not_a_model(
            f"The file begins like a zip and is no whole one ({error}).",
            "It may have been cut off. Upload it again.",
        ) from error
    if len(found) > MOST_ENTRIES:
        raise unsafe_archive(f"The zip has {len(found):,} entries; {MOST_ENTRIES:,} are allowed.")
    seen: set[str] = set()
    for entry in found:
        _check_name(entry)
        if entry.filename in seen:
            raise unsafe_archive(f"The entry {entry.filename[:120]!r} of the zip is there twice.")
        seen.add(entry.filename)
    _check_sizes(found, most_bytes)
    return found


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    path = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if path.is_absolute() or ".." in path.parts or drive or "\x00" in name:
        raise unsafe_archive(f"The entry {name[:120]!r} of the zip leads out of its folder.")
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise unsafe_archive(f"The entry {name[:120]!r} of the zip is a link.")
    if entry.flag_bits & 0x1:
        raise unsafe_archive(f"The entry {name[:120]!r} of the zip is encrypted.")


def _check_sizes(found: list[zipfile.ZipInfo], most_bytes: int) -> None:
    unpacked = sum(entry.file_size for entry in found)
    packed = max(1, sum(entry.compress_size for entry in found))
    if unpacked > most_bytes:
        raise unsafe_archive(f"The zip declares {unpacked:,} bytes; {most_bytes:,} are allowed.")
    if unpacked > SMALL_BYTES and unpacked / packed > MOST_RATIO:
        raise unsafe_archive(
            f"The zip's {packed:,} bytes would become {unpacked:,}, {unpacked // packed:,} times "
            f"as many: it looks like a zip bomb."
        )


def content(file: Path, name: str, most_bytes: int) -> bytes:
    """The bytes of one entry, unpacked in memory: at most `most_bytes`, whatever it declares.
    Raises EngineRefusal."""
    with _opened(file, name) as stream:
        found = stream.read(most_bytes + 1)
    if len(found) > most_bytes:
        raise _too_large(name, most_bytes)
    return found


def copy(file: Path, name: str, into: BinaryIO, most_bytes: int) -> None:
    """Unpacks one entry into an open, empty file: at most `most_bytes`. Long rows of zeros become
    holes, which take no room on the disk. Raises EngineRefusal."""
    with _opened(file, name) as stream:
        size = 0
        while block := stream.read(BLOCK_BYTES):
            size += len(block)
            if size > most_bytes:
                raise _too_large(name, most_bytes)
            if block.count(0) == BLOCK_BYTES:
                into.seek(BLOCK_BYTES, 1)
            else:
                into.write(block)
    into.truncate(size)
    into.seek(0)


@contextmanager
def _opened(file: Path, name: str) -> Iterator[IO[bytes]]:
    """Raises EngineRefusal(NOT_A_MODEL) for what cannot be unpacked."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(name) as stream:
            yield stream
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, KeyError) as error:
        raise not_a_model(
            f"The entry {name[:120]!r} of the zip is damaged ({error}).",
            "It may have been damaged on the way. Upload it again.",
        ) from error


def _too_large(name: str, most_bytes: int) -> EngineRefusal:
    return unsafe_archive(f"The entry {name[:120]!r} of the zip has over {most_bytes:,} bytes.")
