"""GGUF files put together byte by byte, so that any of them can be wrong."""

import struct
from typing import Any

F32, Q8_0 = 0, 8
U32, STRING, ARRAY = 4, 8, 9


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, value: Any) -> bytes:
    """A number, a text, or a list of texts."""
    if isinstance(value, int):
        return text(key) + struct.pack("<II", U32, value)
    if isinstance(value, str):
        return text(key) + struct.pack("<I", STRING) + text(value)
    head = struct.pack("<IIQ", ARRAY, STRING, len(value))
    return text(key) + head + b"".join(map(text, value))


def described(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


def gguf(
    pairs: list[bytes], tensors: list[bytes], data: bytes = b"", version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:  # fmt: skip
    """`counts` are what is declared: tensors, pairs; as many as there are if None."""
    declared = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, *declared) + b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + data


def language_model(words: int = 64, width: int = 32) -> bytes:
    """An embedding in F32 and a matrix in Q8_0; no numbers that mean anything."""
    pairs = [
        pair("general.architecture", "llama"),
        pair("tokenizer.ggml.tokens", [f"w{number}" for number in range(words)]),
    ]
    first = words * width * 4
    tensors = [
        described("token_embd.weight", (width, words), F32, 0),
        described("output.weight", (width, words), Q8_0, first),
    ]
    return gguf(pairs, tensors, bytes(first + words * width // 32 * 34))
