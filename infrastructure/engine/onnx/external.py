"""Where an ONNX model keeps weights outside its own file, and whether that is safe to follow.

A tensor says where its numbers are: `location`, a path beside the model, and from which byte on
(`offset`) how many (`length`). What it says is not trusted: a path that leads out of the zip, or
bytes that are not there, are refused before any library follows them.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx

from application.ports.engine import EngineRefusal
from infrastructure.engine.onnx import graph
from infrastructure.engine.refusals import model_refused

TOGETHER = (
    "Put the .onnx file and its data files in one folder and push that: edgewise push FOLDER. Or "
    "save it as one file: onnx.save(onnx.load(path), path, save_as_external_data=False)."
)


def external_tensors(model: onnx.ModelProto) -> Iterator[tuple[onnx.TensorProto, dict[str, str]]]:
    """Each tensor that is kept elsewhere, and what it says of the place."""
    for tensor in graph.tensors(model):
        places = {entry.key: entry.value for entry in tensor.external_data}
        if tensor.data_location == onnx.TensorProto.EXTERNAL or places:
            yield tensor, places


def bytes_outside(file: Path) -> int:
    """How many bytes of weights the model keeps in other files."""
    model = onnx.load(str(file), load_external_data=False)
    return sum(_bytes_of(tensor) for tensor, _ in external_tensors(model))


def check_places(model: onnx.ModelProto, file: Path, folder: Path | None) -> None:
    """Raises EngineRefusal(EXTERNAL_DATA), naming the tensor and the file."""
    for tensor, places in external_tensors(model):
        where = places.get("location", "")
        if folder is None:
            raise _refused(tensor, f"are in another file, {where[:120]!r}")
        path = PurePosixPath(where.replace("\\", "/"))
        drive = where[1:2] == ":"
        if not where or path.is_absolute() or ".." in path.parts or drive or "\x00" in where:
            raise _refused(tensor, f"are in {where[:120]!r}, which leads out of the model's folder")
        data = file.parent / path
        if data.is_symlink() or not data.is_file() or not data.resolve().is_relative_to(folder):
            raise _refused(tensor, f"are in {where[:120]!r}, which is not in the zip")
        _check_bytes(tensor, places, data)


def _check_bytes(tensor: onnx.TensorProto, places: dict[str, str], data: Path) -> None:
    size, needed = data.stat().st_size, _bytes_of(tensor)
    offset, length = (_number(places.get(key)) for key in ("offset", "length"))
    if offset is None or length is None:
        raise _refused(tensor, "have a place that is no number")
    length = length or needed
    if length != needed or offset + length > size:
        raise _refused(
            tensor,
            f"take {needed:,} bytes and are said to be {length:,} from byte {offset:,} of "
            f"{data.name[:80]!r}, which has {size:,}",
        )


def _bytes_of(tensor: onnx.TensorProto) -> int:
    try:
        bits = (
            BITS.get(tensor.data_type)
            or 8 * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _refused(tensor, "have a type that cannot be kept in a file") from error
    if any(size < 0 for size in tensor.dims):
        raise _refused(tensor, "have a negative size")
    return -(-graph.elements(tensor) * bits // 8)


BITS: dict[int, int] = {
    onnx.TensorProto.INT4: 4,
    onnx.TensorProto.UINT4: 4,
    onnx.TensorProto.FLOAT4E2M1: 4,
}
"""Types of less than a byte, which NumPy has not."""


def _number(text: str | None) -> int | None:
    if text is None:
        return 0
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _refused(tensor: onnx.TensorProto, what: str) -> EngineRefusal:
    return model_refused("EXTERNAL_DATA", f"The weights “{tensor.name[:120]}” {what}.", TOGETHER)
