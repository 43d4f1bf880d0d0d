"""The size of each input of an ONNX model, for a format without open shapes."""

import onnx

from infrastructure.engine.pass_contract import PassSkipped, Rows

ROWS = 1


def sizes_of(model: onnx.ModelProto, data: Rows | None) -> dict[str, tuple[int, ...]]:
    """An open first dimension is one row, other open ones are those of the first row of data; the
    array for an input has its name, or is the only one. Raises PassSkipped where none tells."""
    weights = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    first = next(iter(data.iterate(1, 1)), None) if data is not None else None
    found = {}
    for one in inputs:
        seen = None if first is None else first.get(one.name)
        if seen is None and first is not None and len(inputs) == len(first) == 1:
            seen = next(iter(first.values()))
        found[one.name] = _size(one, None if seen is None else seen.shape)
    return found


def fix_sizes(model: onnx.ModelProto, sizes: dict[str, tuple[int, ...]]) -> None:
    """Writes the sizes into the inputs. An open first one stays: onnx2tf makes it one row by
    itself, and rows that are fixed beforehand lead it to reshapes that LiteRT refuses."""
    for one in model.graph.input:
        places = one.type.tensor_type.shape.dim
        for place, size in list(zip(places, sizes.get(one.name, ()), strict=False))[1:]:
            place.dim_value = size


def _size(value: onnx.ValueInfoProto, seen: tuple[int, ...] | None) -> tuple[int, ...]:
    places = value.type.tensor_type.shape.dim
    if seen is not None and len(seen) == len(places) + 1:
        seen = seen[1:]  # each row is a whole input
    size = []
    for axis, place in enumerate(places):
        if place.HasField("dim_value") and place.dim_value > 0:
            size.append(place.dim_value)
        elif axis == 0:
            size.append(ROWS)
        elif seen is not None and len(seen) == len(places):
            size.append(seen[axis])
        else:
            raise PassSkipped(
                "OPEN_SHAPE",
                f"TFLite has fixed shapes, and dimension {axis} of the input “{value.name}” is "
                "open. Give a calibration dataset with rows of the size that is wanted, or export "
                "the model with that size.",
            )
    return tuple(size)
