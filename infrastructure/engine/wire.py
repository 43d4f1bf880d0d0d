"""Protocol buffers' wire format, walked field by field without a schema and without copies.

A message is a row of fields: a tag (field number × 8 + wire type) and a value, which is a varint
(0), 8 bytes (1), a length and so many bytes (2) or 4 bytes (5). Groups (3, 4) are long out of use.
Every length is checked against what is left. (protobuf.dev/programming-guides/encoding)
"""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MOST_DEPTH = 64


class Malformed(ValueError):
    """The bytes are no protobuf message."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field's number and value: an integer (unsigned), or its bytes. Raises Malformed."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise Malformed("a field has the number 0")
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == LENGTH:
            size, at = _varint(message, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise Malformed(f"field {number} has the wire type {wire}")
        if size > end - at:
            raise Malformed(f"field {number} ends after its message")
        yield number, message[at : at + size]
        at += size


def messages(message: memoryview, *path: int) -> Iterator[memoryview]:
    """Every message at this path of field numbers."""
    first, *rest = path
    for number, value in fields(message):
        if number == first and isinstance(value, memoryview):
            if rest:
                yield from messages(value, *rest)
            else:
                yield value


def number(message: memoryview, field: int, missing: int = 0) -> int:
    """The last integer in this field, as protobuf has it; `missing` where there is none."""
    for found, value in fields(message):
        if found == field and isinstance(value, int):
            missing = value
    return missing


def text(message: memoryview, field: int) -> str:
    """The last text in this field; empty where there is none."""
    found = ""
    for value in messages(message, field):
        found = bytes(value).decode(errors="replace")
    return found


def numbers(message: memoryview, field: int) -> list[int]:
    """All integers of a repeated field, packed or not."""
    found = []
    for one, value in fields(message):
        if one == field and isinstance(value, int):
            found.append(value)
        elif one == field and isinstance(value, memoryview):
            at = 0
            while at < len(value):
                item, at = _varint(value, at)
                found.append(item)
    return found


def entries(message: memoryview, field: int) -> Iterator[tuple[str, memoryview]]:
    """The keys and messages of a map field with text keys."""
    for entry in messages(message, field):
        yield text(entry, 1), next(messages(entry, 2), memoryview(b""))


def signed(value: int) -> int:
    """An int64 as it was before it was written as an unsigned varint."""
    return value - 2**64 if value >= 2**63 else value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise Malformed("it ends inside a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise Malformed("a number has more than ten bytes")
