"""Source and variant are judged alike, and what cannot be judged is said."""

from typing import Any

import numpy as np
import pytest

from application.ports.engine import EngineRefusal
from domain.measure import Measure
from domain.scorer import Scorer, ScorerName
from infrastructure.engine.proof.judge import Judge

CLASSES = {"labels": np.array([0, 1])}
GOOD, BAD = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.9, 0.1], [0.8, 0.2]])


def named(name: ScorerName, **settings: Any) -> Judge:
    return Judge(Scorer(name, settings))


def test_accuracy_is_counted_for_both_sides_over_batches() -> None:
    judge, extra = Judge(None), np.zeros((2, 3, 4))
    judge.add({}, [{"extra": extra, "score": GOOD}, {"extra": extra, "score": BAD}], CLASSES)
    turned = {"extra": extra, "score": GOOD[::-1]}
    judge.add({}, [turned, turned], {"labels": np.array([1, 0])})
    told = judge.accuracy()
    assert told is not None
    assert (told.source, told.variant, told.rows, told.output) == (1.0, 0.75, 4, "score")
    assert told.drop == 0.25


def test_accuracy_reads_a_class_that_the_model_tells_itself() -> None:
    judge = Judge(None)
    outputs = [{"label": np.array([3, 4])}, {"label": np.array([3, 5])}]
    judge.add({}, outputs, {"labels": np.array([3, 4])})
    told = judge.accuracy()
    assert told is not None
    assert (told.source, told.variant) == (1.0, 0.5)


def test_one_row_may_come_without_the_place_for_rows() -> None:
    judge = Judge(None)
    judge.add({}, [{"score": GOOD[0]}, {"score": GOOD[1]}], {"labels": np.array([0])})
    told = judge.accuracy()
    assert told is not None
    assert (told.source, told.variant) == (1.0, 0.0)


def test_the_best_few_count_where_it_is_set_so() -> None:
    judge = named(ScorerName.CLASSIFICATION, top=2)
    scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]])
    judge.add({}, [{"s": scores}, {"s": scores}], {"labels": np.array([1, 0])})
    told = judge.accuracy()
    assert told is not None
    assert told.source == 0.5


@pytest.mark.parametrize("labels", [np.zeros(2), np.zeros((2, 3), int), np.array(["a", "b"])])
def test_labels_that_are_no_classes_are_not_used_and_it_is_said_why(labels: Any) -> None:
    judge = Judge(None)
    judge.add({}, [{"score": GOOD}, {"score": GOOD}], {"labels": labels})
    assert judge.accuracy() is None
    assert "no classes" in judge.ignored
    assert "Name a scorer" in judge.ignored


def test_a_model_that_tells_no_class_has_no_accuracy_unless_a_scorer_is_named() -> None:
    height = {"height": np.array([[1.0], [2.0]])}
    judge = Judge(None)
    judge.add({}, [height, height], CLASSES)
    assert judge.accuracy() is None
    assert "“height” (float64 [2, 1])" in judge.ignored
    with pytest.raises(EngineRefusal, match="height") as refused:
        named(ScorerName.CLASSIFICATION).add({}, [height, height], CLASSES)
    assert (refused.value.code, refused.value.field) == ("SCORER_MISFIT", "scorer")


def test_without_labels_nothing_is_judged() -> None:
    judge = Judge(None)
    judge.add({}, [{"score": GOOD}, {"score": GOOD}], {})
    assert judge.accuracy() is None
    assert judge.ignored == ""


def test_an_array_that_is_missing_is_named() -> None:
    with pytest.raises(EngineRefusal, match="has no array 'boxes'"):
        named(ScorerName.DETECTION).add({}, [{}, {}], CLASSES)


def test_an_output_is_named_exactly_or_refused() -> None:
    outputs = {"first": GOOD, "second": BAD}
    judge = named(ScorerName.CLASSIFICATION, output="second")
    judge.add({}, [outputs, outputs], CLASSES)
    told = judge.accuracy()
    assert told is not None
    assert (told.output, told.source) == ("second", 0.5)
    with pytest.raises(EngineRefusal, match="no output “third”; it has “first”"):
        named(ScorerName.CLASSIFICATION, output="third").add({}, [outputs, outputs], CLASSES)


def test_further_figures_are_told_of_both_sides() -> None:
    judge, right = named(ScorerName.REGRESSION), np.array([[1.0], [2.0], [4.0]])
    judge.add({}, [{"y": right}, {"y": right + 1}], {"labels": right})
    told = judge.accuracy()
    assert told is not None
    assert (told.measure, told.source) == (Measure.R2, 1.0)
    assert told.also == {"RMSE": (0.0, 1.0), "MAE": (0.0, 1.0)}
