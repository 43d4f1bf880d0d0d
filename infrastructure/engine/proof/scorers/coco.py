"""Mean average precision as COCO counts it (cocodataset.org/#detection-eval; pycocotools' COCOeval
with all areas, no crowds, and at most 100 boxes of a class in an image).

For each class and each overlap t from .50 to .95 in steps of .05: boxes in falling order of score
take the free box that they overlap most, by t at least; precision is made to fall with recall and
is read at 101 recalls. mAP is the mean over classes, overlaps and recalls; mAP@.5 that at t = .5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from infrastructure.engine.proof.scorers.tally import Array

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_BOXES = 100


@dataclass(frozen=True, slots=True)
class Boxes:
    """Of one image: `corners` [n, 4] as x1, y1, x2, y2, `classes` [n], and `scores` [n] of what
    was found."""

    corners: Array
    classes: Array
    scores: Array

    def of(self, number: int) -> "Boxes":
        """Those of one class, the best first, 100 at most."""
        mine = np.flatnonzero(self.classes == number)
        order = mine[np.argsort(-self.scores[mine], kind="stable")][:MOST_BOXES]
        return Boxes(self.corners[order], self.classes[order], self.scores[order])


def mean_average_precision(truth: Sequence[Boxes], found: Sequence[Boxes]) -> tuple[float, float]:
    """mAP@[.5:.95] and mAP@.5. Raises ValueError where there is no true box."""
    numbers = np.unique(np.concatenate([np.empty(0), *(one.classes for one in truth)]))
    if not len(numbers):
        raise ValueError("there are no true boxes")
    by_class = np.stack([_precisions(number, zip(truth, found, strict=True)) for number in numbers])
    return float(by_class.mean()), float(by_class[:, 0].mean())


def overlaps(ones: Array, others: Array) -> Array:
    """Intersection over union of each with each, [n, m]."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    union = _area(ones)[:, None] + _area(others)[None, :] - shared
    result: Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def _area(corners: Array) -> Array:
    area: Array = np.prod(np.clip(corners[:, 2:] - corners[:, :2], 0, None), axis=-1)
    return area


def _precisions(number: int, images: Iterable[tuple[Boxes, Boxes]]) -> Array:
    """[overlaps, recalls] of one class."""
    scores, hits, wanted = [np.empty(0)], [np.empty((len(OVERLAPS), 0), bool)], 0
    for true, told in images:
        right, mine = true.corners[true.classes == number], told.of(number)
        wanted += len(right)
        scores.append(mine.scores)
        hits.append(_hits(overlaps(mine.corners, right)))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit = np.concatenate(hits, axis=1)[:, order]
    right_so_far, wrong_so_far = np.cumsum(hit, axis=1), np.cumsum(~hit, axis=1)
    return np.stack(
        [_at_recalls(*one, wanted) for one in zip(right_so_far, wrong_so_far, strict=True)]
    )


def _hits(shared: Array) -> Array:
    """[overlaps, n]: whether each found box takes a true one. Of equal overlaps the last is taken,
    as pycocotools does."""
    found, true = shared.shape
    hit = np.zeros((len(OVERLAPS), found), bool)
    if true == 0:
        return hit
    taken = np.zeros((len(OVERLAPS), true), bool)
    least = np.minimum(OVERLAPS, 1 - 1e-10)[:, None]
    rows = np.arange(len(OVERLAPS))
    for place, row in enumerate(shared):
        free = np.where(~taken & (row >= least), row, -1.0)
        best = true - 1 - free[:, ::-1].argmax(axis=1)
        hit[:, place] = free[rows, best] >= 0
        taken[rows[hit[:, place]], best[hit[:, place]]] = True
    return hit


def _at_recalls(right: Array, wrong: Array, wanted: int) -> Array:
    read = np.zeros(len(RECALLS))
    if not len(right):
        return read
    precision = right / (right + wrong + np.spacing(1))
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / wanted, RECALLS, side="left")
    there = places < len(falling)
    read[there] = falling[places[there]]
    return read
