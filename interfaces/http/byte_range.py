"""One byte range of a GET (RFC 9110, section 14).

Several ranges in one request are answered with the whole, which the RFC allows: no client of ours
asks for them, and many small ones are a known way to make a server work.
"""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` on, `length` of them."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class Unsatisfiable(Exception):
    """The range lies outside the bytes: 416."""


def byte_range(header: str | None, size: int) -> ByteRange | None:
    """The range asked for out of `size` bytes; None for the whole. Raises Unsatisfiable."""
    asked = _ONE_RANGE.fullmatch(header.replace(" ", "")) if header else None
    if asked is None or asked.groups() == ("", ""):
        return None
    first, last = asked.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        end = min(int(last), size - 1) if last else size - 1
        length = end - start + 1
    if length <= 0:
        raise Unsatisfiable(header)
    return ByteRange(start, length)
