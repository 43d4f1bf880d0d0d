"""The header of a GGUF file, read with every count, length and offset checked before it is used.

    GGUF · version · tensors · pairs · (key, type, value) × pairs
         · (name, dimensions, type, offset) × tensors · padding · data
(github.com/ggml-org/ggml/blob/master/docs/gguf.md)
Little-endian, versions 2 and 3. As llama.cpp demands, the tensors stand in the data one after the
other in the order of the header, each padded to the alignment. Nothing of the data is read.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO

from application.ports.engine import EngineRefusal
from infrastructure.engine.refusals import model_refused

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_HEADER_BYTES = 256 * 2**20
MOST_PAIRS = 65_536
MOST_TENSORS = 1_000_000
MOST_ITEMS = 4_000_000
MOST_DIMENSIONS = 4
MOST_NAME_BYTES = 65_535
DEFAULT_ALIGNMENT, MOST_ALIGNMENT = 32, 65_536
STRING, ARRAY = 8, 9
REMEDY = "Make the file again with llama.cpp's converter, or download it again."

_SCALARS: dict[int, Struct] = {
    kind: Struct(f"<{letter}")
    for kind, letter in enumerate("BbHhIif?")
} | {10: Struct("<Q"), 11: Struct("<q"), 12: Struct("<d")}  # fmt: skip

TENSOR_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""ggml's types by number: name, numbers in a block, bytes of a block (as gguf/constants.py)."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """`shape` as ggml has it, the row first; `offset` from the beginning of the data."""

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int
    bytes: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """`pairs` are the metadata; of an array its number of items is kept, as `Items`."""

    version: int
    pairs: dict[str, Any]
    tensors: tuple[GgufTensor, ...]
    alignment: int
    data_at: int


@dataclass(frozen=True, slots=True)
class Items:
    """An array in the metadata."""

    count: int


def read_header(file: Path) -> GgufHeader:
    """Raises EngineRefusal(INVALID_MODEL) naming the pair, the tensor or the count at fault."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        return _Reader(stream, size).header()


class _Reader:
    """Knows how many bytes are left, and asks for none beyond them."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size
        self._end = min(size, MOST_HEADER_BYTES)
        self._items = 0

    def header(self) -> GgufHeader:
        if self._take(4, "the magic") != MAGIC:
            raise _invalid("It does not begin with GGUF.")
        version = self._number(4, "the version")
        if version not in VERSIONS:
            raise _version(version)
        tensors = self._count("tensors", least_bytes=24, most=MOST_TENSORS)
        pairs = self._count("metadata pairs", least_bytes=13, most=MOST_PAIRS)
        told = self._pairs(pairs)
        alignment = _alignment(told)
        described = [self._described() for _ in range(tensors)]
        data_at = _padded(self._stream.tell(), alignment)
        return GgufHeader(
            version, told, self._placed(described, alignment, data_at), alignment, data_at
        )

    def _pairs(self, count: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        for _ in range(count):
            key = self._name("a metadata key")
            if key in pairs:
                raise _invalid(f"The metadata key {key[:80]!r} is there twice.")
            pairs[key] = self._value(self._number(4, key), key)
        return pairs

    def _value(self, kind: int, key: str, depth: int = 0) -> Any:
        if kind == STRING:
            return self._text(key)
        if kind == ARRAY:
            return self._array(key, depth)
        if kind not in _SCALARS:
            raise _invalid(f"The metadata {key[:80]!r} has the unknown type {kind}.")
        form = _SCALARS[kind]
        return form.unpack(self._take(form.size, key))[0]

    def _array(self, key: str, depth: int) -> Items:
        """Passed over: vocabularies have hundreds of thousands of items."""
        if depth > 2:
            raise _invalid(f"The metadata {key[:80]!r} nests arrays too deep.")
        kind, count = self._number(4, key), self._number(8, key)
        least = {STRING: 8, ARRAY: 12}.get(kind) or (_SCALARS[kind].size if kind in _SCALARS else 1)
        self._items += count
        if count * least > self._left or self._items > MOST_ITEMS:
            raise _invalid(f"The metadata {key[:80]!r} declares {count:,} items, more than fit.")
        if kind in _SCALARS:
            self._skip(count * _SCALARS[kind].size, key)
        elif kind == STRING:
            for _ in range(count):
                self._skip(self._number(8, key), key)
        else:
            for _ in range(count):
                self._value(kind, key, depth + 1)
        return Items(count)

    def _described(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._name("a tensor's name")
        rank = self._number(4, name)
        if rank > MOST_DIMENSIONS:
            raise _invalid(f"The tensor {name[:80]!r} declares {rank:,} dimensions; 4 are allowed.")
        shape = tuple(self._number(8, name) for _ in range(rank))
        return name, shape, self._number(4, name), self._number(8, name)

    def _placed(
        self, described: list[tuple[str, tuple[int, ...], int, int]], alignment: int, data_at: int
    ) -> tuple[GgufTensor, ...]:
        found, seen, at = [], set(), 0
        for name, shape, kind, offset in described:
            if name in seen:
                raise _invalid(f"The tensor {name[:80]!r} is there twice.")
            seen.add(name)
            tensor = _tensor(name, shape, kind, offset)
            if offset != at:
                raise _invalid(
                    f"The tensor {name[:80]!r} is said to begin at byte {offset:,} of the data; "
                    f"it would be {at:,}."
                )
            at = _padded(offset + tensor.bytes, alignment)
            if data_at + offset + tensor.bytes > self._size:
                raise _invalid(
                    f"The tensor {name[:80]!r} needs the file up to byte "
                    f"{data_at + offset + tensor.bytes:,}; it has {self._size:,}.",
                    "It may have been cut off. " + REMEDY,
                )
            found.append(tensor)
        return tuple(found)

    @property
    def _left(self) -> int:
        return self._end - self._stream.tell()

    def _count(self, what: str, least_bytes: int, most: int) -> int:
        count = self._number(8, f"the number of {what}")
        if count > most or count * least_bytes > self._left:
            raise _invalid(
                f"It declares {count:,} {what}; its {self._size:,} bytes cannot hold so many."
            )
        return count

    def _name(self, what: str) -> str:
        text = self._text(what)
        if not text or len(text) > MOST_NAME_BYTES:
            raise _invalid(f"{what.capitalize()} has {len(text):,} characters.")
        return text

    def _text(self, what: str) -> str:
        length = self._number(8, what)
        return self._take(length, what).decode(errors="replace")

    def _number(self, size: int, what: str) -> int:
        return int.from_bytes(self._take(size, what), "little")

    def _take(self, count: int, what: str) -> bytes:
        self._must_have(count, what)
        return self._stream.read(count)

    def _skip(self, count: int, what: str) -> None:
        self._must_have(count, what)
        self._stream.seek(count, 1)

    def _must_have(self, count: int, what: str) -> None:
        if count > self._left:
            raise _invalid(
                f"At {what[:80]!r} the header asks for {count:,} bytes more; {self._left:,} are "
                "there."
            )


def _tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> GgufTensor:
    known = TENSOR_TYPES.get(kind)
    if known is None:
        raise _invalid(f"The tensor {name[:80]!r} has the unknown type {kind}.")
    called, numbers, block_bytes = known
    elements = math.prod(shape)
    if 0 in shape or elements >= 2**62:
        raise _invalid(f"The tensor {name[:80]!r} has the impossible shape {list(shape)}.")
    if (shape[0] if shape else 1) % numbers:
        raise _invalid(
            f"The tensor {name[:80]!r} has rows of {shape[0] if shape else 1}, which blocks of "
            f"{numbers} ({called}) do not divide."
        )
    return GgufTensor(name, shape, called, offset, elements // numbers * block_bytes)


def _alignment(pairs: dict[str, Any]) -> int:
    found = pairs.get("general.alignment", DEFAULT_ALIGNMENT)
    power = isinstance(found, int) and 0 < found <= MOST_ALIGNMENT and not found & (found - 1)
    if not power:
        raise _invalid(f"Its alignment is {str(found)[:40]}; a power of two is needed.")
    return int(found)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _version(version: int) -> EngineRefusal:
    if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
        return _invalid("It is a big-endian GGUF file.", "Convert it for little-endian machines.")
    return _invalid(f"It is GGUF version {version:,}; 2 and 3 are read.")


def _invalid(message: str, remedy: str = REMEDY) -> EngineRefusal:
    return model_refused("INVALID_MODEL", message, remedy)
