"""Applies a bsdiff4 patch (https://www.daemonology.net/bsdiff/, format BSDIFF40) as a stream: a few
pieces of memory, however large the files are.

`BSDIFF40`, then the lengths of control and difference (compressed) and of the new file, each a
little-endian 64-bit number with its sign in the top bit, then control, difference and extra, each
compressed by bzip2. Control is triples (add, copy, seek): `add` bytes of the old file are added to
those of the difference, byte by byte; `copy` bytes come from extra; the old file moves by `seek`.
"""

import bz2
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MAGIC = b"BSDIFF40"
PIECE = 1 << 16


class BadPatch(ValueError):
    """The patch is not one, or not for this file."""


def apply(old: Path, patch: Path, new: Path, size: int, took: Callable[[int], None]) -> None:
    """Writes `new`, durable, of `size` bytes; what is in it is for the caller to check.

    `took` is told of each piece written. Raises BadPatch, OSError."""
    with old.open("rb") as source, new.open("wb") as target:
        os.fchmod(target.fileno(), 0o600)
        control, difference, extra = _opened(patch, size)
        try:
            _Applied(source, target, size, took).run(control, difference, extra)
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise BadPatch("the patch is damaged") from None
        finally:
            for one in (control, difference, extra):
                one.close()
        target.flush()
        os.fsync(target.fileno())


class _Applied:
    def __init__(
        self, source: BinaryIO, target: BinaryIO, size: int, took: Callable[[int], None]
    ) -> None:
        self._source, self._target, self._left, self._took = source, target, size, took
        self._at = 0
        self._length = os.fstat(source.fileno()).st_size

    def run(self, control: "_Section", difference: "_Section", extra: "_Section") -> None:
        while self._left:
            head = control.exactly(24)
            add, copy, seek = (_number(head[at : at + 8]) for at in (0, 8, 16))
            if add < 0 or copy < 0 or add + copy > self._left:
                raise BadPatch("the patch makes another size")
            self._each(add, lambda size: _sum(self._old(size), difference.exactly(size)))
            self._at += seek
            self._each(copy, extra.exactly)

    def _each(self, size: int, make: Callable[[int], bytes]) -> None:
        while size:
            piece = make(min(size, PIECE))
            self._target.write(piece)
            self._took(len(piece))
            size -= len(piece)
            self._left -= len(piece)

    def _old(self, size: int) -> bytes:
        """Outside of the old file there are zeros."""
        before = min(size, max(0, -self._at))
        self._source.seek(max(0, self._at))
        found = self._source.read(size - before) if self._at < self._length else b""
        self._at += size
        return (b"\0" * before + found).ljust(size, b"\0")


class _Section:
    """A compressed part of the patch."""

    def __init__(self, patch: Path, begin: int, size: int | None) -> None:
        self._file = patch.open("rb")
        self._file.seek(begin)
        self._size = size
        self._bz2 = bz2.BZ2Decompressor()

    def exactly(self, size: int) -> bytes:
        """Raises EOFError, OSError where it is damaged."""
        made = bytearray()
        while len(made) < size:
            if self._bz2.eof:
                raise EOFError
            given = self._read() if self._bz2.needs_input else b""
            made += self._bz2.decompress(given, size - len(made))
        return bytes(made)

    def _read(self) -> bytes:
        most = PIECE if self._size is None else min(PIECE, self._size)
        given = self._file.read(most)
        if not given:
            raise EOFError
        if self._size is not None:
            self._size -= len(given)
        return given

    def close(self) -> None:
        self._file.close()


def _opened(patch: Path, size: int) -> tuple[_Section, _Section, _Section]:
    with patch.open("rb") as file:
        head = file.read(32)
    if len(head) < 32 or head[:8] != MAGIC:
        raise BadPatch("this is no patch")
    control, difference, makes = (_number(head[at : at + 8]) for at in (8, 16, 24))
    if control < 0 or difference < 0 or makes != size:
        raise BadPatch("the patch makes another size")
    begin = 32 + control
    return (
        _Section(patch, 32, control),
        _Section(patch, begin, difference),
        _Section(patch, begin + difference, None),
    )


def _number(raw: bytes) -> int:
    number = int.from_bytes(raw, "little")
    return -(number & ~(1 << 63)) if number >> 63 else number


def _sum(one: bytes, other: bytes) -> bytes:
    """Byte by byte, modulo 256: all bytes of a long number at once, carries kept in their byte."""
    size = len(one)
    low = int.from_bytes(b"\x7f" * size, "little")
    first, second = int.from_bytes(one, "little"), int.from_bytes(other, "little")
    top = (first ^ second) & (low ^ int.from_bytes(b"\xff" * size, "little"))
    return (((first & low) + (second & low)) ^ top).to_bytes(size, "little")
