"""Which format a file has, told by its bytes alone; its name means nothing.

| format | told by |
| --- | --- |
| ONNX | protobuf with ModelProto's top-level fields (`onnx_shape`), or a zip with an .onnx |
| TFLITE | `TFL3` at byte 4, after the flatbuffer's root offset |
| GGUF | `GGUF`; the version is judged by its reader |
| KERAS | a zip with config.json and metadata.json (v3), or HDF5 that names `model_config` |
| SAVED_MODEL | a zip with saved_model.pb and variables/ or alone |
| CORE_ML | a zip of an .mlpackage: Manifest.json and a .mlmodel |
| OPENVINO_IR | a zip with an .xml and a .bin; the .xml alone is refused, its weights are missing |
| TORCH_EXPORT | a zip with archive_format and models/….json, as torch.export.save writes |
| SKOPS | a zip with schema.json, as skops saves models of scikit-learn |
| TENSORRT_ENGINE | `ftrt` or `ptrt`, and `vtrt` of TensorRT for RTX |
| NCNN | a .param beginning with 7767517, as text or as a little-endian integer |

What is none of these is refused by what it looks like. A pickle is never loaded: doing so runs
whatever code its maker put there.
"""

import pickletools
import re
from pathlib import Path

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from infrastructure.engine import archive
from infrastructure.engine.onnx_shape import looks_like_onnx, truncated
from infrastructure.engine.refusals import (
    EXPORT_REMEDY,
    PT2_REMEDY,
    SKOPS_REMEDY,
    model_refused,
    not_a_model,
)

HEAD_BYTES = 64 * 1024
PICKLE = (
    "It looks like a Python pickle (a .pkl, .pt or .joblib file). Pickles run code when they are "
    "loaded, so it was not loaded and never will be."
)
MODELS = re.compile(r"([^/]+/)?models/[^/]+\.json")
XML_ROOT = re.compile(
    rb"^(\xef\xbb\xbf)?\s*(<\?xml[^>]{0,200}\?>)?\s*(<!--.{0,2000}?-->\s*)?<net\b", re.S
)
NCNN_MAGIC = (7767517).to_bytes(4, "little")


def sniff(file: Path) -> ModelFormat:
    """The format. Raises EngineRefusal(NOT_A_MODEL | PICKLE | UNSAFE_ARCHIVE | WEIGHTS_MISSING)
    for everything else."""
    size = file.stat().st_size
    if size == 0:
        raise not_a_model("The file is empty.", "Upload it again; nothing of it arrived.")
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    by_magic = _by_magic(head, file)
    if by_magic is not None:
        return by_magic
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(file)
    known = _known_stranger(head)
    if known is not None:
        raise known
    if looks_like_onnx(file):
        return ModelFormat.ONNX
    raise _unknown(file, head)


def _by_magic(head: bytes, file: Path) -> ModelFormat | None:
    if head[4:8] == b"TFL3" and 8 <= int.from_bytes(head[:4], "little") < file.stat().st_size:
        return ModelFormat.TFLITE
    if head.startswith(b"GGUF") and len(head) >= 24:
        return ModelFormat.GGUF
    if head.startswith((b"ftrt", b"ptrt", b"vtrt")) and len(head) >= 32:
        return ModelFormat.TENSORRT_ENGINE
    if re.match(rb"7767517\s*\n\s*\d+\s+\d+", head) or (
        head.startswith(NCNN_MAGIC) and len(head) >= 12
    ):
        return ModelFormat.NCNN
    if XML_ROOT.match(head):
        raise model_refused(
            "WEIGHTS_MISSING",
            "It is the .xml of an OpenVINO model without its weights.",
            "Zip the .xml and the .bin together, and upload the zip.",
        )
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _in_hdf5(file)
    return None


def _in_hdf5(file: Path) -> ModelFormat:
    """Keras writes the attribute model_config into an HDF5 file's root group, near one end."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        parts = [stream.read(1 << 20)]
        stream.seek(max(0, size - (1 << 20)))
        parts.append(stream.read(1 << 20))
    if any(b"model_config" in part for part in parts):
        return ModelFormat.KERAS
    if any(b"keras_version" in part or b"layer_names" in part for part in parts):
        raise not_a_model(
            "It is HDF5 with Keras weights alone, without the network itself.",
            "Save the whole model: model.save(“model.keras”), or export it to ONNX with tf2onnx.",
        )
    raise not_a_model("It is HDF5, and no Keras model is in it.")


def _in_zip(file: Path) -> ModelFormat:
    names = {entry.filename.rstrip("/") for entry in archive.entries(file)}
    ends = {name.rsplit("/", 1)[-1] for name in names}
    if {"config.json", "metadata.json"} <= names:
        return ModelFormat.KERAS
    if "saved_model.pb" in ends:
        return ModelFormat.SAVED_MODEL
    if "Manifest.json" in ends and any(name.endswith(".mlmodel") for name in names):
        return ModelFormat.CORE_ML
    if any(name.endswith(".xml") for name in names) and any(n.endswith(".bin") for n in names):
        return ModelFormat.OPENVINO_IR
    if "schema.json" in names:
        return ModelFormat.SKOPS
    if "archive_format" in ends and any(MODELS.fullmatch(name) for name in names):
        return ModelFormat.TORCH_EXPORT
    if "serialized_exported_program.json" in ends:
        raise _pickle("It is a .pt2 of an older PyTorch, which keeps its weights as a pickle.")
    if "data.pkl" in ends:
        raise _pickle(
            "It is a PyTorch archive (.pt, TorchScript too), which holds a pickle. Pickles run "
            "code when they are loaded, so it was not loaded and never will be."
        )
    if any(name.endswith(".onnx") for name in names):
        return ModelFormat.ONNX
    raise _strange_zip(names)


def _strange_zip(names: set[str]) -> EngineRefusal:
    if any(name.endswith(".npy") for name in names):
        return not_a_model(
            "It is an .npz file of arrays, not a model.",
            "Upload it as a dataset, and the model itself as a model.",
        )
    few = ", ".join(sorted(names)[:4])[:200] or "nothing"
    return not_a_model(f"It is a zip of no known model format; it holds {few}.")


def _known_stranger(head: bytes) -> EngineRefusal | None:
    """What is often uploaded by mistake."""
    if _pickled(head):
        return _pickle(PICKLE)
    for magic, what in _STRANGERS:
        if head.startswith(magic):
            return not_a_model(f"It is {what}, not a model.")
    if re.match(rb'.{8}\{\s*"', head, re.S) and b'"dtype"' in head[:4096]:
        return not_a_model("It is a safetensors file: weights alone, without the network itself.")
    if head.startswith(b"version https://git-lfs"):
        return not_a_model(
            "It is a Git LFS pointer, not the model itself.", "Run `git lfs pull` and try again."
        )
    return None


def _pickle(message: str) -> EngineRefusal:
    return model_refused("PICKLE", message, f"{EXPORT_REMEDY} {PT2_REMEDY} {SKOPS_REMEDY}")


def _pickled(head: bytes) -> bool:
    """Protocols 2 and up begin with their number; 0 and 1 with an opcode, and end with a dot."""
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return head[1] < 4 or head[2] == 0x95
    return len(head) < HEAD_BYTES and head.endswith(b".") and _unpicklable(head)


def _unpicklable(head: bytes) -> bool:
    """Whether it reads as pickle opcodes to the end. They are only listed, nothing is run."""
    try:
        return sum(1 for _ in pickletools.genops(head)) > 2
    except (ValueError, IndexError, OverflowError):
        return False


_STRANGERS = (
    (b"\x7fELF", "a program for Linux"),
    (b"MZ", "a program for Windows"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (b"\x93NUMPY", "one NumPy array"),
    (b"SQLite format 3", "an SQLite database"),
    (b"<!DOCTYPE html", "a web page, such as a login page that was saved in place of a download"),
    (b"<html", "a web page, such as a login page that was saved in place of a download"),
    (b"#!", "a script"),
)


def _unknown(file: Path, head: bytes) -> EngineRefusal:
    if truncated(file):
        return not_a_model(
            "It begins like an ONNX model and ends too early.",
            "It was cut off on the way. Upload it again.",
        )
    if len(set(head)) == 1:
        return not_a_model("Every byte at its beginning is the same.")
    try:
        head[:2048].decode("ascii")
        return not_a_model("It is text of no known model format.")
    except UnicodeDecodeError:
        return not_a_model("Its bytes are those of no known model format.", EXPORT_REMEDY)
