"""Whether a dataset's arrays fit a model's inputs: by name, type and shape.

An array's first number is its rows. It fits an input either with the rows in the place of the
input's first dimension (the batch), or with one dimension more than the input (each row is a whole
input). A single array may have any name when the model has a single input.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.dataset import DatasetArray
from domain.signature import Signature, TensorSpec

LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What does not fit: the input or array at fault, and what was wanted, got and can be done."""

    name: str
    message: str


def check_against(
    signature: Signature, arrays: Sequence[DatasetArray], most_label: int | None = None
) -> tuple[Misfit, ...]:
    """Every misfit; empty when the dataset can be fed to the model. `most_label` is the largest
    label found, None without labels."""
    data = [array for array in arrays if array.name != LABELS]
    found = matched(signature, data)
    misfits = [
        _missing(spec, data) if name is None else _against(spec, _named(data, name))
        for spec, name in ((spec, found[spec.name]) for spec in signature.inputs)
    ]
    return tuple(one for one in (*misfits, _labels(signature, most_label)) if one is not None)


def matched(signature: Signature, arrays: Sequence[DatasetArray]) -> dict[str, str | None]:
    """For each input's name the name of its array, None where there is none."""
    names = [array.name for array in arrays]
    if len(signature.inputs) == 1 and len(names) == 1:
        return {signature.inputs[0].name: names[0]}
    return {spec.name: spec.name if spec.name in names else None for spec in signature.inputs}


def _named(arrays: Sequence[DatasetArray], name: str) -> DatasetArray:
    return next(array for array in arrays if array.name == name)


def _missing(spec: TensorSpec, arrays: Sequence[DatasetArray]) -> Misfit:
    have = ", ".join(f"“{array.name}”" for array in arrays[:8]) or "none"
    return Misfit(
        spec.name,
        f"The model's input “{spec.name}” has no array; the file has {have}. Save one by that "
        f'name: np.savez("data.npz", **{{"{spec.name}": …}}).',
    )


def _against(spec: TensorSpec, array: DatasetArray) -> Misfit | None:
    if array.dtype != spec.dtype:
        return Misfit(
            spec.name,
            f"The input “{spec.name}” takes {spec.dtype}; the array “{array.name}” has "
            f'{array.dtype}. Convert it with array.astype("{spec.dtype}").',
        )
    if _batched(spec, array.shape) or _fits(spec.shape, array.shape[1:]):
        return None
    wanted = ", ".join(str(dimension) for dimension in ("rows", *spec.shape[1:]))
    got = ", ".join(str(dimension) for dimension in array.shape)
    return Misfit(
        spec.name,
        f"The input “{spec.name}” takes rows of shape ({wanted}); the array “{array.name}” has "
        f"({got}). Reshape it so that all dimensions after the first are the model's.",
    )


def _batched(spec: TensorSpec, shape: tuple[int, ...]) -> bool:
    if not shape or not spec.shape or not _fits(spec.shape[1:], shape[1:]):
        return False
    batch = spec.shape[0]
    return isinstance(batch, str) or shape[0] >= batch


def _fits(wanted: tuple[int | str, ...], got: tuple[int, ...]) -> bool:
    return len(wanted) == len(got) and all(
        isinstance(dimension, str) or dimension == have
        for dimension, have in zip(wanted, got, strict=True)
    )


def _labels(signature: Signature, most_label: int | None) -> Misfit | None:
    classes = class_count(signature)
    if most_label is None or classes is None or most_label < classes:
        return None
    return Misfit(
        LABELS,
        f"The labels go up to {most_label}; the model's output has {classes} classes, so labels "
        f"are 0 to {classes - 1}. Renumber them.",
    )


def class_count(signature: Signature) -> int | None:
    """How many classes the first output of rank 2 has, None when there is none or it is open."""
    for output in signature.outputs:
        if len(output.shape) == 2:
            last = output.shape[1]
            return last if isinstance(last, int) and last > 1 else None
    return None
