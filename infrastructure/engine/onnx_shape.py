"""Whether a file has the outer shape of an ONNX ModelProto, without parsing what is inside.

A protobuf message is a row of fields: a tag (field number × 8 + wire type) and a value. ModelProto
has ir_version (1, varint), producer names (2–4, text), model_version (5), doc_string (6), graph (7,
message), opset_import (8, message), metadata_props (14), training_info (20), functions (25) and
configuration (26). Only tags and lengths are read, and seeked over: a 10 GB file costs a few reads.
"""

from pathlib import Path
from typing import BinaryIO

VARINT, LENGTH = 0, 2
WIRE = {1: VARINT, 5: VARINT, **dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), LENGTH)}
GRAPH, IR_VERSION, OPSET_IMPORT = 7, 1, 8
MOST_FIELDS = 100_000


class _Ends(Exception):
    """The bytes stopped inside a field."""


class _Strange(Exception):
    """A field that ModelProto does not have."""


def looks_like_onnx(file: Path) -> bool:
    """Whole, all fields known, and a graph with an IR version or an opset."""
    try:
        seen = _fields(file)
    except (_Ends, _Strange):
        return False
    return GRAPH in seen and bool(seen & {IR_VERSION, OPSET_IMPORT})


def truncated(file: Path) -> bool:
    """Whether it is ModelProto as far as it goes, and it does not go to the end."""
    try:
        _fields(file)
    except _Ends:
        with file.open("rb") as stream:
            return _tag_is(stream, IR_VERSION) or _tag_is(stream, GRAPH)
    except _Strange:
        return False
    return False


def _tag_is(stream: BinaryIO, number: int) -> bool:
    stream.seek(0)
    return stream.read(1) == bytes([number << 3 | WIRE[number]])


def _fields(file: Path) -> set[int]:
    size = file.stat().st_size
    seen: set[int] = set()
    with file.open("rb") as stream:
        for _ in range(MOST_FIELDS):
            if stream.tell() >= size:
                return seen
            tag = _varint(stream)
            number, wire = tag >> 3, tag & 7
            if WIRE.get(number) != wire:
                raise _Strange
            value = _varint(stream)
            if wire == LENGTH:
                if value > size - stream.tell():
                    raise _Ends
                stream.seek(value, 1)
            seen.add(number)
    raise _Strange


def _varint(stream: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise _Ends
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _Strange
