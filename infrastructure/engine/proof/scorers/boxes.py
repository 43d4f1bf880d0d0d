"""From a detector's outputs to boxes: which output tells what, and what form it has.

BOXES: corners [rows, n, 4], scores [rows, n] with classes [rows, n], or scores [rows, n, classes].
YOLO: one output [rows, 4 + classes, n] (or with the last two places changed), center and size;
YOLO_OBJECTNESS: 5 + classes, the fifth being multiplied with each class's score.
Where an output scores every class at every box it is raw: a box may appear many times, so boxes of
a class that overlap a better one by more than `nms` are left out (greedy non-maximum suppression).
"""

from dataclasses import dataclass

import numpy as np

from domain.scorer import BoxFormat, Detection, Layout
from infrastructure.engine.proof.scorers.coco import MOST_BOXES, Boxes, overlaps
from infrastructure.engine.proof.scorers.tally import (
    Array,
    Outputs,
    Unscorable,
    chosen,
    in_rows,
    is_float,
    listed,
)

MOST_CANDIDATES = 10_000
"""Boxes of a row that suppression looks at, the best by score."""


@dataclass(frozen=True, slots=True)
class Read:
    """Of one row: `corners` [n, 4], and for each box and class that is told a score."""

    corners: Array
    box: Array
    classes: Array
    scores: Array
    raw: bool


class BoxReader:
    """Finds the outputs in the first batch and keeps to them. Raises Unscorable."""

    def __init__(self, settings: Detection) -> None:
        self._settings = settings
        self._names: tuple[str, str, str] | None = None

    @property
    def output(self) -> str:
        return self._names[0] if self._names else ""

    def rows(self, outputs: Outputs, rows: int) -> list[Boxes]:
        """What is found in each of `rows` rows, 100 of a class at most."""
        if self._settings.layout is not Layout.BOXES:
            return self._yolo(outputs, rows)
        corners_in, scores_in, classes_in = self._named(outputs, rows)
        corners = in_rows(outputs[corners_in], rows).reshape(rows, -1, 4)
        scores = in_rows(outputs[scores_in], rows).reshape(rows, corners.shape[1], -1)
        if classes_in:
            classes = in_rows(outputs[classes_in], rows).reshape(rows, -1)
            told = zip(corners, scores[..., 0], classes, strict=True)
            return [self._boxes(_each(*one)) for one in told]
        every = zip(corners, scores, strict=True)
        return [self._boxes(self._crossed(*one)) for one in every]

    def _named(self, outputs: Outputs, rows: int) -> tuple[str, str, str]:
        if self._names is None:
            self._names = self._found(outputs, rows)
        return self._names

    def _found(self, outputs: Outputs, rows: int) -> tuple[str, str, str]:
        settings = self._settings
        boxes = chosen(
            outputs,
            settings.boxes,
            lambda value: is_float(value) and value.ndim >= 2 and value.shape[-1] == 4,
            "boxes of four floats",
        )
        count = outputs[boxes].size // 4
        rest = {name: value for name, value in outputs.items() if name != boxes}
        fits = [name for name, value in rest.items() if value.size and value.size % count == 0]
        scores = settings.scores or _one(
            [name for name in fits if is_float(rest[name]) and name != settings.classes], "score"
        )
        if scores not in rest:
            raise self._unclear(outputs, "scores", scores)
        if rest[scores].size != count:
            return boxes, scores, ""
        left = [name for name in fits if name != scores and rest[name].size == count]
        classes = settings.classes or _one(left, "class", "label")
        if classes not in rest and (classes or left):
            raise self._unclear(outputs, "classes", classes)
        return boxes, scores, classes

    def _unclear(self, outputs: Outputs, setting: str, name: str) -> Unscorable:
        said = f"there is no output “{name}”" if name else f"none is plainly the {setting}"
        return Unscorable(
            f"Of the outputs {listed(outputs)} {said}. Name it in the scorer's setting “{setting}”."
        )

    def _yolo(self, outputs: Outputs, rows: int) -> list[Boxes]:
        first = 4 + (self._settings.layout is Layout.YOLO_OBJECTNESS)

        def suits(value: Array) -> bool:
            return is_float(value) and value.ndim in (2, 3) and min(value.shape[-2:]) > first

        name = chosen(outputs, self._settings.boxes, suits, f"{first} numbers and classes a box")
        self._names = (name, "", "")
        table = in_rows(outputs[name], rows)
        if table.shape[1] < table.shape[2]:
            table = table.swapaxes(1, 2)
        scores = table[..., first:]
        if first > 4:
            scores = scores * table[..., 4:5]
        return [
            self._boxes(self._crossed(*one)) for one in zip(table[..., :4], scores, strict=True)
        ]

    def _crossed(self, corners: Array, scores: Array) -> Read:
        """Every class at every box that scores enough; a NaN scores nothing."""
        box, classes = np.nonzero(scores >= self._settings.threshold)
        best = np.argsort(-scores[box, classes], kind="stable")[:MOST_CANDIDATES]
        box, classes = box[best], classes[best]
        return Read(corners, box, classes, scores[box, classes], raw=True)

    def _boxes(self, read: Read) -> Boxes:
        enough = np.flatnonzero(read.scores >= self._settings.threshold)
        corners = self._corners(read.corners[read.box[enough]].astype(np.float64))
        sound = np.isfinite(corners).all(axis=1)
        kept = enough[sound]
        classes = read.classes[kept].astype(np.int64) - self._settings.offset
        found = Boxes(corners[sound], classes, read.scores[kept].astype(np.float64))
        parts = (
            [found.of(number) for number in np.unique(classes)]
            if not read.raw
            else [_suppressed(found, number, self._settings.nms) for number in np.unique(classes)]
        )
        return _together(parts)

    def _corners(self, told: Array) -> Array:
        form = self._settings.format
        if self._settings.layout is not Layout.BOXES:
            form = BoxFormat.CXCYWH
        if form is BoxFormat.YXYX:
            told = told[:, [1, 0, 3, 2]]
        elif form is BoxFormat.XYWH:
            told = np.concatenate([told[:, :2], told[:, :2] + told[:, 2:]], axis=1)
        elif form is BoxFormat.CXCYWH:
            half = told[:, 2:] / 2
            told = np.concatenate([told[:, :2] - half, told[:, :2] + half], axis=1)
        return told * self._settings.scale


def _one(names: list[str], *words: str) -> str:
    """The only one, or the only one that has one of the words in its name; else none."""
    if len(names) == 1:
        return names[0]
    named = [name for name in names if any(word in name.lower() for word in words)]
    return named[0] if len(named) == 1 else ""


def _each(corners: Array, scores: Array, classes: Array) -> Read:
    """A box with its one score and class."""
    return Read(corners, np.arange(len(corners)), classes, scores, raw=False)


def _suppressed(found: Boxes, number: int, most: float) -> Boxes:
    mine = np.flatnonzero(found.classes == number)
    order = mine[np.argsort(-found.scores[mine], kind="stable")]
    kept: list[int] = []
    while len(order) and len(kept) < MOST_BOXES:
        best, order = order[0], order[1:]
        kept.append(int(best))
        shared = overlaps(found.corners[best : best + 1], found.corners[order])[0]
        order = order[shared <= most]
    return Boxes(found.corners[kept], found.classes[kept], found.scores[kept])


def _together(parts: list[Boxes]) -> Boxes:
    if not parts:
        return Boxes(np.empty((0, 4)), np.empty(0, np.int64), np.empty(0))
    return Boxes(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )
