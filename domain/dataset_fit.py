"""Whether a dataset's arrays fit a model's inputs, by name, type and shape, and labels a scorer.

An array's first number is its rows. It fits an input either with the rows in the place of the
input's first dimension (the batch), or with one dimension more than the input (each row is a whole
input). A single array may have any name when the model has a single input. What each scorer wants
of labels stands in `WANTED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.dataset import LABELS, DatasetArray, is_label
from domain.scorer import Scorer, ScorerName, Text
from domain.signature import Signature, TensorSpec

__all__ = ["LABELS", "WANTED", "Misfit", "check_against", "check_labels", "is_label", "matched"]

WANTED = {
    ScorerName.CLASSIFICATION: "labels: one integer a row, the class",
    ScorerName.REGRESSION: "labels: numbers, in each row as many as the output has",
    ScorerName.AUC: "labels: one integer a row, 1 for what is to be found and 0 for all else",
    ScorerName.DETECTION: "boxes: [rows, most, 4] corners x1, y1, x2, y2; classes: [rows, most] "
    "integers, -1 where there is no box",
    ScorerName.TEXT: "labels: a text a row, or integers [rows, longest], tokens and then -1",
    ScorerName.CUSTOM: "any arrays that are no inputs of the model",
}
"""Arrays of a dataset that each scorer reads, by name."""


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
    data = data_of(signature, arrays)
    found = matched(signature, data)
    misfits = [
        _missing(spec, data) if name is None else _against(spec, _named(data, name))
        for spec, name in ((spec, found[spec.name]) for spec in signature.inputs)
    ]
    return tuple(one for one in (*misfits, _labels(signature, most_label)) if one is not None)


def data_of(signature: Signature, arrays: Sequence[DatasetArray]) -> list[DatasetArray]:
    """What can be fed: all but labels. An array that has an input's name is no label."""
    inputs = {spec.name for spec in signature.inputs}
    return [array for array in arrays if array.name in inputs or not is_label(array.name)]


def check_labels(
    scorer: Scorer, arrays: Sequence[DatasetArray], label_counts: dict[str, int] | None
) -> Misfit | None:
    """Why the scorer cannot judge by these arrays, None where it can. `label_counts` counts labels
    that are one integer a row."""
    of = {array.name: array for array in arrays if is_label(array.name)}
    if scorer.name is ScorerName.CUSTOM:
        right = bool(of)
    elif scorer.name is ScorerName.DETECTION:
        right = _boxes(of.get("boxes"), of.get("classes"))
    else:
        right = LABELS in of and _suits(scorer.name, of[LABELS])
    if not right:
        have = ", ".join(f"{one.name} {one.dtype} {list(one.shape)}" for one in of.values())
        return Misfit(
            LABELS,
            f"The scorer {scorer.name} reads {WANTED[scorer.name]}. The dataset has "
            f"{have or 'no labels'}. Save it so, or name another scorer.",
        )
    return _unusable(scorer, of, label_counts)


def _suits(name: ScorerName, labels: DatasetArray) -> bool:
    kind, rank = kind_of(labels.dtype), len(labels.shape)
    if name is ScorerName.REGRESSION:
        return kind in "if"
    if name is ScorerName.TEXT:
        return (kind, rank) in (("U", 1), ("i", 2))
    return (kind, rank) == ("i", 1)


def _boxes(boxes: DatasetArray | None, classes: DatasetArray | None) -> bool:
    if boxes is None or classes is None or len(boxes.shape) != 3:
        return False
    numbers = kind_of(boxes.dtype) in "if" and kind_of(classes.dtype) == "i"
    return numbers and boxes.shape[2] == 4 and classes.shape == boxes.shape[:2]


def kind_of(dtype: str) -> str:
    """f for floats, i for integers, U for texts, b for bool."""
    if dtype.lstrip("<>=|").startswith("U"):
        return "U"
    return "i" if "int" in dtype else "f" if "float" in dtype else "b"


def _unusable(
    scorer: Scorer, of: dict[str, DatasetArray], counts: dict[str, int] | None
) -> Misfit | None:
    if scorer.name is ScorerName.AUC and counts is not None and set(counts) != {"0", "1"}:
        told = ", ".join(sorted(counts)[:8])
        return Misfit(
            LABELS,
            f"AUC needs labels of two kinds, 0 and 1; these are {told}. Save 1 for the rows that "
            "are to be found and 0 for all others.",
        )
    settings = scorer.typed
    texts = LABELS in of and kind_of(of[LABELS].dtype) == "U"
    if isinstance(settings, Text) and texts and not settings.vocabulary:
        return Misfit(
            "scorer.settings.vocabulary",
            "The labels are texts and the model tells tokens. Give the text of each token, in the "
            "order of their numbers, or save the labels as tokens.",
        )
    return None


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
