"""Detection: boxes are read from each layout, and mAP is that of pycocotools."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from domain.measure import Measure
from domain.scorer import BoxFormat, Detection, Layout
from infrastructure.engine.proof.scorers.boxes import BoxReader
from infrastructure.engine.proof.scorers.coco import Boxes, mean_average_precision
from infrastructure.engine.proof.scorers.detection import DetectionTally
from infrastructure.engine.proof.scorers.tally import Unscorable

CORNERS = np.array([[10, 20, 40, 60], [100, 90, 180, 150]], np.float32)


def by_pycocotools(truth: list[Boxes], found: list[Boxes]) -> tuple[float, float]:
    numbers = sorted({int(one) for boxes in truth for one in boxes.classes})
    held = [
        {"id": number, "image_id": image, "category_id": int(one), "bbox": wide(corners)}
        for number, (image, corners, one) in enumerate(
            ((image, *pair) for image, boxes in enumerate(truth)
             for pair in zip(boxes.corners, boxes.classes, strict=True)), 1)
    ]  # fmt: skip
    for one in held:
        one |= {"area": one["bbox"][2] * one["bbox"][3], "iscrowd": 0}
    told = [
        {"image_id": image, "category_id": int(one), "bbox": wide(corners), "score": float(score)}
        for image, boxes in enumerate(found)
        for corners, one, score in zip(boxes.corners, boxes.classes, boxes.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        images = [{"id": image} for image in range(len(truth))]
        categories = [{"id": number} for number in numbers]
        coco.dataset = {"images": images, "annotations": held, "categories": categories}
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(told), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0]), float(judge.stats[1])


def wide(corners: Any) -> list[float]:
    x, y, right, low = (float(one) for one in corners)
    return [x, y, right - x, low - y]


def scattered(random: np.random.Generator, images: int) -> tuple[list[Boxes], list[Boxes]]:
    """True boxes, and found ones: moved a little, some lost, some invented; few scores, so that
    there are ties."""
    truth, found = [], []
    for _ in range(images):
        count = int(random.integers(0, 6))
        low = random.uniform(0, 80, (count, 2))
        corners = np.concatenate([low, low + random.uniform(5, 40, (count, 2))], axis=1)
        classes = random.integers(0, 3, count)
        truth.append(Boxes(corners, classes, np.zeros(count)))
        kept = random.random(count) < 0.8
        moved = corners[kept] + random.normal(0, 2, (int(kept.sum()), 4))
        low = random.uniform(0, 80, (3, 2))
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        invented = np.concatenate([low, low + random.uniform(5, 40, (3, 2))], axis=1)
        all_classes = np.concatenate([classes[kept], random.integers(0, 4, 3)])
        scores = random.integers(1, 9, len(all_classes)) / 10
        found.append(Boxes(np.concatenate([moved, invented]), all_classes, scores))
    return truth, found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_mean_average_precision_is_that_of_pycocotools(seed: int, images: int) -> None:
    truth, found = scattered(np.random.default_rng(seed), images)
    if not any(len(boxes.classes) for boxes in truth):
        return
    ours = mean_average_precision(truth, found)
    assert ours == pytest.approx(by_pycocotools(truth, found), abs=1e-9)


def test_without_true_boxes_nothing_can_be_judged() -> None:
    tally = DetectionTally(Detection())
    empty = {"boxes": np.zeros((1, 2, 4)), "classes": np.full((1, 2), -1)}
    tally.add({}, {"boxes": CORNERS[None], "scores": np.ones((1, 2), np.float32)}, empty)
    with pytest.raises(Unscorable, match="no true boxes"):
        tally.figures()


def test_what_was_found_rightly_in_every_image_is_one() -> None:
    tally = DetectionTally(Detection())
    outputs = {"boxes": CORNERS[None], "scores": np.array([[0.9, 0.8]], np.float32)}
    truth = {
        "boxes": np.concatenate([CORNERS[None], np.zeros((1, 1, 4), np.float32)], axis=1),
        "classes": np.array([[0, 0, -1]]),
    }
    tally.add({}, outputs, truth)
    figures = tally.figures()
    assert (figures.value, figures.also, figures.rows) == (1.0, {Measure.MAP50: 1.0}, 1)


def read(outputs: dict[str, Any], rows: int = 1, **settings: Any) -> Boxes:
    return BoxReader(Detection(**settings)).rows(outputs, rows)[0]


SCORES, CLASSES = np.array([[0.9, 0.8]], np.float32), np.array([[2.0, 1.0]], np.float32)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (BoxFormat.XYXY, CORNERS),
        (BoxFormat.YXYX, CORNERS[:, [1, 0, 3, 2]]),
        (BoxFormat.XYWH, np.array([[10, 20, 30, 40], [100, 90, 80, 60]])),
        (BoxFormat.CXCYWH, np.array([[25, 40, 30, 40], [140, 120, 80, 60]])),
    ],
)
def test_boxes_are_read_in_every_form_and_unit(form: BoxFormat, told: Any) -> None:
    outputs = {"b": told[None].astype(np.float32) / 200, "score": SCORES, "class": CLASSES}
    found = read(outputs, format=form, scale=200.0, offset=1)
    order = np.argsort(-found.scores)
    assert np.allclose(found.corners[order], CORNERS, atol=1e-4)
    assert found.classes[order].tolist() == [1, 0]


def test_outputs_of_a_detector_in_tflite_are_told_apart_when_named() -> None:
    outputs = {
        "D": CORNERS[None], "D:1": CLASSES, "D:2": SCORES, "D:3": np.array([2.0], np.float32),
    }  # fmt: skip
    with pytest.raises(Unscorable, match=r"none is plainly the scores.*setting “scores”"):
        read(outputs)
    found = read(outputs, scores="D:2", classes="D:1")
    assert found.scores.tolist() == pytest.approx([0.8, 0.9])
    assert found.classes.tolist() == [1, 2]


def test_integers_beside_boxes_and_scores_are_the_classes() -> None:
    outputs = {"boxes": CORNERS, "labels": np.array([2, 1]), "scores": SCORES[0]}
    assert read(outputs).classes.tolist() == [1, 2]


@pytest.mark.parametrize("turned", [False, True])
def test_raw_boxes_of_yolo_are_scored_by_class_and_made_one(turned: bool) -> None:
    """Three boxes of which two overlap, and a crowd of boxes that score nothing."""
    table = np.zeros((1, 20, 6), np.float32)
    table[0, :3, :4] = [[25, 40, 30, 40], [26, 41, 30, 40], [140, 120, 80, 60]]
    table[0, :3, 4:] = [[0.9, 0], [0.7, 0], [0.05, 0.6]]
    outputs = {"output0": table if turned else table.swapaxes(1, 2)}
    found = read(outputs, layout=Layout.YOLO, threshold=0.1)
    assert np.allclose(found.corners, CORNERS)
    assert (found.classes.tolist(), found.scores.round(2).tolist()) == ([0, 1], [0.9, 0.6])


def test_objectness_is_multiplied_with_the_class_s_score() -> None:
    table = np.zeros((1, 20, 7), np.float32)
    table[0, 0] = [25, 40, 30, 40, 0.5, 0.8, 0]
    found = read({"output": table}, layout=Layout.YOLO_OBJECTNESS, threshold=0.1)
    assert found.scores.tolist() == pytest.approx([0.4])


def test_boxes_that_became_nan_are_not_found() -> None:
    broken = np.array([[np.nan] * 4, CORNERS[1]], np.float32)
    found = read({"boxes": broken, "scores": np.array([0.9, np.nan], np.float32)})
    assert len(found.scores) == 0
