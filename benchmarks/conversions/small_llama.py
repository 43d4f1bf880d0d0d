"""A small GGUF file of the architecture llama, written here because no package ships one.

It is constructed and not trained: each token's embedding is random, and the output matrix holds for
each token the embedding of the one before it, so the network counts upwards and is sure of it;
attention and feed-forward add seeded noise. It proves that files are read, quantized and run. What
a quantization costs a trained model it does not tell.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOCABULARY, WIDTH, LAYERS, HEADS, CONTEXT = 512, 256, 2, 4, 128
ALIGNMENT = 32
UINT32, FLOAT32, STRING = 4, 6, 8
F32 = 0


def write(
    file: Path,
    width: int = WIDTH,
    architecture: str = "llama",
    leave_out: tuple[str, ...] = (),
) -> Path:
    """`leave_out` are tensors that it is to lack."""
    found = {name: one for name, one in _tensors(width).items() if name not in leave_out}
    pairs: list[tuple[str, int, Any]] = [
        ("general.architecture", STRING, architecture),
        ("general.file_type", UINT32, 0),
        ("tokenizer.ggml.model", STRING, "no_vocab"),
        *((f"{architecture}.{name}", UINT32, number) for name, number in _sizes(width).items()),
        (f"{architecture}.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(found), len(pairs))
    head += b"".join(
        _text(name) + struct.pack("<I", kind) + _value(kind, one) for name, kind, one in pairs
    )
    offset, data = 0, []
    for name, one in found.items():
        shape = tuple(reversed(one.shape))
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, F32, offset)
        data.append(_padded(one.astype("<f4").tobytes()))
        offset += len(data[-1])
    file.write_bytes(_padded(head) + b"".join(data))
    return file


def _sizes(width: int) -> dict[str, int]:
    return {
        "context_length": CONTEXT,
        "embedding_length": width,
        "block_count": LAYERS,
        "feed_forward_length": 2 * width,
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "rope.dimension_count": width // HEADS,
        "vocab_size": VOCABULARY,
    }


def _tensors(width: int) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(0)
    embedding = random.standard_normal((VOCABULARY, width))
    found = {"token_embd.weight": embedding}
    shapes = {
        "attn_q": (width, width),
        "attn_k": (width, width),
        "attn_v": (width, width),
        "attn_output": (width, width),
        "ffn_gate": (2 * width, width),
        "ffn_up": (2 * width, width),
        "ffn_down": (width, 2 * width),
    }
    for layer in range(LAYERS):
        for norm in ("attn_norm", "ffn_norm"):
            found[f"blk.{layer}.{norm}.weight"] = np.ones(width)
        for name, shape in shapes.items():
            noise = random.standard_normal(shape) * 0.5 / np.sqrt(shape[1])
            found[f"blk.{layer}.{name}.weight"] = noise
    found["output_norm.weight"] = np.ones(width)
    found["output.weight"] = np.roll(embedding, 1, axis=0) / np.sqrt(width)
    return found


def _text(value: str) -> bytes:
    coded = value.encode()
    return struct.pack("<Q", len(coded)) + coded


def _value(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return _text(value)
    return struct.pack("<I" if kind == UINT32 else "<f", value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
