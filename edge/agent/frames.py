"""Frames on the agent's local socket: a length of four bytes (big-endian), then that many bytes.

A request is a JSON object in a frame, and for `infer` the inputs as .npz in a second; the answer
likewise. Nothing is ever unpickled.
"""

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

LARGEST = 1 << 28
_LENGTH = struct.Struct(">I")


class BadFrame(ValueError):
    """Cut short, or larger than LARGEST."""


class Source(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


def framed(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def framed_json(document: Mapping[str, Any]) -> bytes:
    return framed(json.dumps(document).encode())


def length_of(head: bytes) -> int:
    """Raises BadFrame."""
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST:
        raise BadFrame(f"a frame of {length:,} bytes; {LARGEST:,} are allowed")
    return int(length)


def read_frame(source: Source) -> bytes:
    """Raises BadFrame."""
    content = source.read(length := length_of(_exactly(source, 4)))
    if content is None or len(content) < length:
        raise BadFrame("cut short")
    return content


def _exactly(source: Source, size: int) -> bytes:
    head = source.read(size) or b""
    if len(head) < size:
        raise BadFrame("the agent closed the connection")
    return head


@contextmanager
def short_name(socket: Path) -> Iterator[str]:
    """A path to it that fits into 107 bytes, however deep the home is (Linux)."""
    if len(os.fsencode(socket)) < 104:
        yield str(socket)
        return
    folder = os.open(socket.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
