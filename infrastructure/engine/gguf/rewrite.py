"""Writes a GGUF file anew with its matrices in other types, tensor after tensor, so that memory
holds one block of rows and one tensor's result at a time.

Metadata is carried over but for the file's type and the quantization's version, as llama.cpp does.
Beside the bytes it measures what the weights themselves lost, on rows spread over each matrix:
    SQNR = 10·log10(Σw² / Σ(w − ŵ)²) dB      cosine = Σwŵ / √(Σw² Σŵ²)
That is said of weights, and tells less than outputs do.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from infrastructure.engine.gguf import llama_cpp, rules
from infrastructure.engine.gguf.header import GgufHeader, read_header
from infrastructure.engine.pass_contract import PassSkipped, Progress

FLOATS = ("F32", "F16", "BF16")
VALUES_AT_ONCE = 16 * 2**20
MEASURED_ROWS = 1_024
QUANTIZATION_VERSION = 2
_WRITTEN = ("general.architecture", "general.file_type", "general.quantization_version")
_SPLIT = ("split.no", "split.count", "split.tensors.count")


@dataclass(slots=True)
class _Loss:
    """What one matrix lost."""

    name: str
    product: float = 0.0
    before: float = 0.0
    after: float = 0.0
    noise: float = 0.0

    def add(self, was: NDArray[np.float32], is_now: NDArray[np.float32]) -> None:
        w, v = was.ravel().astype(np.float64), is_now.ravel().astype(np.float64)
        self.product += float(w @ v)
        self.before += float(w @ w)
        self.after += float(v @ v)
        self.noise += float((w - v) @ (w - v))

    @property
    def sqnr_db(self) -> float:
        if not self.noise:
            return math.inf
        return 10 * math.log10(self.before / self.noise) if self.before else -math.inf

    @property
    def cosine(self) -> float:
        length = math.sqrt(self.before * self.after)
        return min(1.0, self.product / length) if length else float(not self.noise)


def rewrite(source: Path, target: Path, file_type: str, report: Progress) -> str:
    """What was done, in words. Raises PassSkipped where there is nothing to do."""
    found = read_header(source)
    wanted = rules.FILE_TYPES[file_type]
    kinds = _planned(found, wanted)
    reader = gguf.GGUFReader(source)
    architecture = str(found.pairs.get("general.architecture", ""))
    writer = gguf.GGUFWriter(None, architecture, use_temp_file=False)
    _copy_metadata(reader, writer, wanted)
    for one in reader.tensors:
        kind = Kind[kinds[one.name]] if one.name in kinds else one.tensor_type
        shape = [int(size) for size in reversed(one.shape)]
        stored = gguf.quant_shape_to_byte_shape(shape, kind)
        writer.add_tensor_info(one.name, stored, np.dtype(np.uint8), math.prod(stored), kind)
    writer.write_header_to_file(target)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    losses = []
    for number, one in enumerate(reader.tensors):
        if one.name in kinds:
            made, loss = _converted(one, Kind[kinds[one.name]])
            losses.append(loss)
        else:
            made = np.ascontiguousarray(one.data).view(np.uint8).ravel()
        writer.write_tensor_data(made)
        report.tick(95 * (number + 1) / len(reader.tensors), f"{one.name} written")
    writer.close()
    return _said(found, wanted, kinds, losses)


def _planned(found: GgufHeader, wanted: rules.FileType) -> dict[str, str]:
    if found.pairs.get("split.count", 1) not in (0, 1):
        raise PassSkipped(
            "SPLIT_MODEL",
            "It is one part of a split model. Merge the parts with llama-gguf-split --merge first.",
        )
    kinds = {one.name: one.kind for one in found.tensors}
    planned = rules.plan(found, wanted)
    quantized = sorted({kinds[name] for name in planned} - set(FLOATS))
    if quantized:
        raise PassSkipped(
            "ALREADY_QUANTIZED",
            f"Its weights are {', '.join(quantized)}, and quantizing them again would lose twice. "
            "Start from the F32, F16 or BF16 model.",
        )
    changed = {name: kind for name, kind in planned.items() if kinds[name] != kind}
    if not changed:
        raise PassSkipped(
            "NOTHING_TO_DO",
            f"It has no matrix that {wanted.name} would change: its {len(planned)} matrices are "
            "of that type already.",
        )
    return planned


def _copy_metadata(reader: Any, writer: Any, wanted: rules.FileType) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in (*_WRITTEN, *_SPLIT):
            continue
        inner = field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], inner)
        if field.name == "general.alignment":
            writer.data_alignment = int(field.contents())
    writer.add_file_type(wanted.number)
    writer.add_quantization_version(QUANTIZATION_VERSION)


def _converted(one: Any, kind: Any) -> tuple[NDArray[np.uint8], _Loss]:
    """Bytes of the new type, and what was lost."""
    columns = int(one.shape[0])
    stored = one.data.reshape(-1, one.data.shape[-1])
    rows, loss = len(stored), _Loss(one.name)
    at_once = max(1, VALUES_AT_ONCE // columns)
    seen = max(1, rows // MEASURED_ROWS)
    parts = []
    for first in range(0, rows, at_once):
        floats = gguf.dequantize(stored[first : first + at_once], one.tensor_type)
        floats = np.asarray(floats, dtype=np.float32).reshape(-1, columns)
        made = _as(floats, kind).reshape(len(floats), -1)
        few = slice(-first % seen, None, seen)
        loss.add(floats[few], gguf.dequantize(made[few], kind).reshape(-1, columns))
        parts.append(made.ravel())
    return np.concatenate(parts), loss


def _as(rows: NDArray[np.float32], kind: Any) -> NDArray[np.uint8]:
    """Plain floats by NumPy, blocks by ggml."""
    if rules.BLOCKS[kind.name] > 1:
        return llama_cpp.library().quantized(rows, int(kind))
    with np.errstate(over="ignore"):
        made: NDArray[np.uint8] = gguf.quantize(rows, kind).view(np.uint8)
    return made


def _said(
    found: GgufHeader, wanted: rules.FileType, kinds: dict[str, str], losses: list[_Loss]
) -> str:
    counted = " and ".join(
        f"{count} × {kind}" for kind, count in Counter(kinds.values()).most_common()
    )
    left = Counter(one.kind for one in found.tensors if one.name not in kinds)
    stayed = ", ".join(f"{count} {kind}" for kind, count in left.most_common())
    told = f"{wanted.name} by llama.cpp's rules: {len(kinds)} matrices are {counted}"
    if "output.weight" in kinds and kinds["output.weight"] != wanted.base:
        told += f" (output.weight is {kinds['output.weight']})"
    if stayed:
        told += f"; {left.total()} norms, biases and small tensors stay as they were ({stayed})"
    worst = min(losses, key=lambda one: one.sqnr_db)
    if math.isinf(worst.sqnr_db) and worst.sqnr_db > 0:
        return f"{told}. The weights' values are unchanged."
    return (
        f"{told}. Of the weights themselves, not of outputs: the worst is {worst.name} with "
        f"{worst.sqnr_db:.1f} dB SQNR and cosine {worst.cosine:.6f}."
    )
