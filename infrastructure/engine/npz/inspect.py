"""The task `inspect_dataset`: reads every number of an .npz once, and tells what is in it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domain.dataset import LABELS
from infrastructure.engine.npz.arrays import Member, Rows, blocks, members
from infrastructure.engine.refusals import dataset_refused
from infrastructure.engine.reporting import Reporter

MOST_CLASSES = 100_000
LAST_CHARACTER = 0x10FFFF


@dataclass(slots=True)
class Seen:
    """What has been seen of an array so far."""

    minimum: float | None = None
    maximum: float | None = None
    nan_count: int = 0
    inf_count: int = 0
    rows: int = 0
    first_bad_row: int | None = None

    def add(self, values: np.ndarray[Any, np.dtype[Any]]) -> None:
        if values.dtype.kind == "U":
            return
        if values.dtype.kind == "f":
            self.nan_count += int(np.isnan(values).sum())
            self.inf_count += int(np.isinf(values).sum())
            finite = np.isfinite(values)
            if self.first_bad_row is None and not finite.all():
                bad = ~finite.reshape(len(values), -1).all(axis=1)
                self.first_bad_row = self.rows + int(bad.argmax())
            self.rows += len(values)
            values = values[finite]
        if values.size:
            low, high = float(values.min()), float(values.max())
            self.minimum = low if self.minimum is None else min(self.minimum, low)
            self.maximum = high if self.maximum is None else max(self.maximum, high)


def inspect_dataset(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"file"}` in; `{"rows", "arrays", "label_counts" | None}` out. Raises EngineRefusal for
    NaN and infinite values, for labels alone, and for classes that are none."""
    file = Path(request["file"])
    found = members(file)
    rows, counts = found[0].shape[0], Counter[int]()
    classes = _tell_classes(found)
    seen = {member.name: Seen() for member in found}
    done = 0
    for block in blocks(file, found):
        for name, values in block.items():
            seen[name].add(values)
        if classes:
            counts.update(block[LABELS].tolist())
            _check_counts(counts)
        _check_texts(block)
        done += len(next(iter(block.values())))
        reporter.tick(100 * done / rows, f"{done:,} of {rows:,} rows read")
    _check_finite(seen)
    return {
        "rows": rows,
        "arrays": [_facts(member, seen[member.name]) for member in found],
        "label_counts": {str(k): v for k, v in sorted(counts.items())} if counts else None,
    }


def _facts(member: Member, seen: Seen) -> dict[str, Any]:
    return {
        "name": member.name,
        "dtype": str(member.dtype),
        "shape": list(member.shape),
        "minimum": seen.minimum,
        "maximum": seen.maximum,
        "nan_count": seen.nan_count,
        "inf_count": seen.inf_count,
    }


def _tell_classes(found: list[Member]) -> bool:
    """Whether there are labels that are one integer a row. What others mean is the scorer's."""
    if all(member.name == LABELS or member.name.startswith(f"{LABELS}_") for member in found):
        raise dataset_refused(
            "The file has labels alone.", "Add the arrays of the model's inputs.", LABELS
        )
    labels = next((member for member in found if member.name == LABELS), None)
    if labels is not None and labels.dtype.kind == "b":
        raise dataset_refused(
            "The labels are of type bool.", "Save labels.astype(“int64”), 0 and 1.", LABELS
        )
    return labels is not None and labels.dtype.kind in "iu" and len(labels.shape) == 1


def _check_texts(block: Rows) -> None:
    """Four bytes that are no character, or half of one, are no text: Python breaks at them."""
    for name, values in block.items():
        if values.dtype.kind == "U":
            points = np.frombuffer(values.tobytes(), np.uint32)
            bad = (points > LAST_CHARACTER) | ((points >= 0xD800) & (points < 0xE000))
            if bad.any():
                told = f"The array “{name[:80]}” has texts that cannot be read: "
                told += f"{int(points[bad.argmax()]):#x} is no character."
                raise dataset_refused(told, "Save it with NumPy as texts, dtype “U”.", name)


def _check_counts(counts: Counter[int]) -> None:
    if min(counts) < 0:
        raise dataset_refused(
            f"The labels go down to {min(counts)}.",
            "Number the classes from 0; save what is no class as floats.",
            LABELS,
        )
    if len(counts) > MOST_CLASSES:
        raise dataset_refused(
            f"There are more than {MOST_CLASSES:,} different labels.",
            "Labels that are one integer a row are classes. For regression save them as floats.",
            LABELS,
        )


def _check_finite(seen: dict[str, Seen]) -> None:
    for name, one in seen.items():
        if one.nan_count or one.inf_count:
            raise dataset_refused(
                f"The array “{name[:80]}” has {one.nan_count:,} NaN and {one.inf_count:,} infinite "
                f"values, the first in row {one.first_bad_row}.",
                "Remove those rows or replace them, with np.nan_to_num for example.",
                name,
            )
