"""Reads the arrays of an .npz in blocks of rows, and never a whole array.

An .npz is a zip of .npy files; an .npy is a header (a Python literal with type, order and shape)
and the numbers, row after row. The header is parsed by NumPy with its own size limit and pickles
are never allowed. What the header declares must be what the zip declares, so that a short header
cannot make a long read.
"""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from application.ports.engine import EngineRefusal
from domain.dataset import LABELS, is_label
from infrastructure.engine import archive
from infrastructure.engine.refusals import dataset_refused

BLOCK_BYTES = 8 * 2**20
MOST_ROW_BYTES = 256 * 2**20
MOST_ARRAYS = 64
MOST_BYTES = 8 * 2**30
KINDS = "biuf"
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
# What NumPy's parser of headers lets through from Python's, which it is made of.
UNREADABLE = (*DAMAGED, KeyError, TypeError, SyntaxError, OverflowError, RecursionError)
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
HOW = "Save it with np.savez_compressed(“data.npz”, **arrays), arrays of numbers in rows."

Rows = dict[str, np.ndarray[Any, np.dtype[Any]]]


@dataclass(frozen=True, slots=True)
class Member:
    """One array: its name, the zip entry it is in, its type and its shape, rows first."""

    name: str
    entry: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    header_bytes: int

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def members(file: Path) -> list[Member]:
    """Every array, in the order of the file. Raises EngineRefusal(DATASET_REFUSED)."""
    if not zipfile.is_zipfile(file):
        raise dataset_refused("The file is no .npz (a zip of arrays), or it was cut off.", HOW)
    try:
        entries = archive.entries(file, MOST_BYTES)
    except EngineRefusal as refusal:
        raise dataset_refused(refusal.message, HOW) from refusal
    if not entries or len(entries) > MOST_ARRAYS:
        raise dataset_refused(f"The file has {len(entries)} arrays; give 1 to {MOST_ARRAYS}.", HOW)
    with zipfile.ZipFile(file) as opened:
        found = [_member(opened, entry) for entry in entries]
    _check_rows(found)
    return found


def _member(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    name = entry.filename.removesuffix(".npy")
    if name == entry.filename or entry.compress_type not in PACKINGS:
        raise dataset_refused(f"The entry {entry.filename[:80]!r} is no array (.npy).", HOW)
    dtype, shape, header = _header(opened, entry, name)
    size = math.prod(shape) * dtype.itemsize
    if size + header != entry.file_size:
        raise dataset_refused(
            f"The array “{name[:80]}” declares {size:,} bytes and has "
            f"{entry.file_size - header:,}.",
            HOW,
            name,
        )
    member = Member(name, entry.filename, dtype, shape, header)
    if member.row_bytes > MOST_ROW_BYTES:
        raise dataset_refused(
            f"One row of “{name[:80]}” has {member.row_bytes:,} bytes; {MOST_ROW_BYTES:,} are "
            "allowed.",
            HOW,
            name,
        )
    return member


def _header(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str
) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    try:
        with opened.open(entry) as stream:
            read = HEADERS[npy.read_magic(stream)]
            shape, fortran, dtype = read(stream)
            length = stream.tell()
        if any(size < 0 for size in shape):
            raise ValueError(f"its shape is {str(shape)[:80]}")
    except (*UNREADABLE, tokenize.TokenError) as error:
        raise dataset_refused(
            f"The array “{name[:80]}” cannot be read: {str(error)[:200]}", HOW, name
        ) from error
    if dtype.hasobject:
        raise dataset_refused(
            f"The array “{name[:80]}” holds Python objects, which are pickles and never loaded.",
            HOW,
            name,
        )
    texts = dtype.kind == "U" and dtype.itemsize > 0 and _may_be_texts(name)
    if not (dtype.kind in KINDS or texts) or not dtype.isnative:
        remedy = f"Convert it, with array.astype({'float32' if dtype.kind in 'cfV' else 'int64'!r})"
        raise dataset_refused(f"The array “{name[:80]}” has the type {dtype}.", remedy, name)
    if not shape:
        raise dataset_refused(f"“{name[:80]}” is one number, not rows.", HOW, name)
    if fortran and len(shape) > 1:
        raise dataset_refused(
            f"The array “{name[:80]}” is stored column by column.",
            "Save np.ascontiguousarray(array).",
            name,
        )
    return dtype, shape, length


def _may_be_texts(name: str) -> bool:
    """What is fed to a model is numbers; what is right may be a text."""
    return is_label(name) and name.startswith(LABELS)


def _check_rows(found: Sequence[Member]) -> None:
    counts = {member.name: member.shape[0] for member in found}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"“{name[:40]}” {count:,}" for name, count in list(counts.items())[:6])
        raise dataset_refused(
            f"The arrays differ in rows: {told}.", "Give every array one row for each sample."
        )
    if not next(iter(counts.values())):
        raise dataset_refused("The arrays have no rows.", HOW)


def blocks(
    file: Path, wanted: Sequence[Member], rows: int | None = None, most: int | None = None
) -> Iterator[Rows]:
    """The arrays side by side in blocks of `rows` rows (as many as fit BLOCK_BYTES by default),
    the last one shorter; at most `most` rows in all. Raises EngineRefusal when the file is cut."""
    total = wanted[0].shape[0] if most is None else min(most, wanted[0].shape[0])
    widest = max(1, sum(member.row_bytes for member in wanted))
    step = rows or max(1, BLOCK_BYTES // widest)
    with ExitStack() as stack:
        streams = {
            member.name: stack.enter_context(_opened(stack, file, member)) for member in wanted
        }
        for start in range(0, total, step):
            count = min(step, total - start)
            yield {member.name: _read(streams[member.name], member, count) for member in wanted}


def _opened(stack: ExitStack, file: Path, member: Member) -> IO[bytes]:
    stream = stack.enter_context(zipfile.ZipFile(file)).open(member.entry)
    stream.read(member.header_bytes)
    return stream


def _read(stream: IO[bytes], member: Member, count: int) -> np.ndarray[Any, np.dtype[Any]]:
    wanted = count * member.row_bytes
    try:
        data = stream.read(wanted)
    except DAMAGED as error:
        raise _damaged(member, str(error)) from error
    if len(data) != wanted:
        raise _damaged(member, "it ends too early")
    return np.frombuffer(data, member.dtype).reshape((count, *member.shape[1:]))


def _damaged(member: Member, why: str) -> EngineRefusal:
    told = f"The array “{member.name[:80]}” is damaged: {why}."
    return dataset_refused(told, "Save and upload it again.", member.name)
