"""Each figure is that of its formula: held against other people's code and against counting."""

from typing import Any

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from domain.measure import Measure
from domain.scorer import (
    Auc,
    Axes,
    Decode,
    Regression,
    RegressionMeasure,
    ScoreBy,
    Text,
    TextMeasure,
)
from infrastructure.engine.proof.scorers.auc import AucTally, roc_auc
from infrastructure.engine.proof.scorers.regression import RegressionTally
from infrastructure.engine.proof.scorers.tally import Unscorable
from infrastructure.engine.proof.scorers.text import TextTally, edit_distance

RANDOM = np.random.default_rng(17)
WORDS = st.text(st.sampled_from("ab c"), max_size=12)


def regression(wanted: Any, told: Any, measure: str = "R2", pieces: int = 3) -> Any:
    tally = RegressionTally(Regression(measure=RegressionMeasure(measure)))
    parts = zip(np.array_split(told, pieces), np.array_split(wanted, pieces), strict=True)
    for output, labels in parts:
        tally.add({}, {"y": output}, {"labels": labels})
    return tally.figures()


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_regression_is_that_of_scikit_learn(offset: float) -> None:
    wanted = RANDOM.normal(offset, 1, (60, 3))
    told = wanted + RANDOM.normal(0, 0.3, (60, 3))
    figures = regression(wanted, told)
    assert figures.value == pytest.approx(r2_score(wanted, told))
    square = ((wanted - told) ** 2).mean() ** 0.5
    assert figures.also[Measure.RMSE] == pytest.approx(square)
    assert figures.also[Measure.MAE] == pytest.approx(mean_absolute_error(wanted, told))
    one = regression(wanted[:, 0], told[:, 0], "RMSE").value
    assert one == pytest.approx(root_mean_squared_error(wanted[:, 0], told[:, 0]))


def test_rows_that_became_nan_are_left_out() -> None:
    wanted = np.array([1.0, 2.0, 3.0, 4.0])
    told = np.array([1.0, np.nan, 3.0, np.inf])
    figures = regression(wanted, told, pieces=1)
    assert (figures.value, figures.rows) == (1.0, 2)
    with pytest.raises(Unscorable, match="finite"):
        regression(wanted, np.full(4, np.nan))


def test_r2_of_labels_that_are_all_the_same_means_nothing() -> None:
    with pytest.raises(Unscorable, match="RMSE or MAE"):
        regression(np.ones(6), np.zeros(6))
    assert regression(np.ones(6), np.zeros(6), "MAE").value == 1.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_counts_the_pairs_that_are_in_order(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], float)
    positive = np.array([right for _, right in rows])
    found, rest = scores[positive], scores[~positive]
    if not len(found) or not len(rest):
        return
    pairs = [(high > low) + 0.5 * (high == low) for high in found for low in rest]
    assert roc_auc(scores, positive) == pytest.approx(np.mean(pairs))
    assert roc_auc(-scores, positive) == pytest.approx(1 - np.mean(pairs))
    assert roc_auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_a_row_scores_by_what_its_reconstruction_missed() -> None:
    rows = RANDOM.normal(size=(4, 2, 8))
    missed = rows + np.array([0.1, 0.4, 0.2, 0.3])[:, None, None]
    tally = AucTally(Auc(by=ScoreBy.RECONSTRUCTION))
    for row, told, label in zip(rows, missed, [0, 1, 0, 1], strict=True):
        tally.add({"x": row}, {"y": told}, {"labels": np.array([label])})
    assert tally.figures().value == 1.0


def test_a_row_scores_by_the_column_that_is_set() -> None:
    table = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    values = []
    for column in (-1, 0):
        tally = AucTally(Auc(column=column))
        tally.add({}, {"y": table}, {"labels": np.array([0, 1, 0])})
        values.append(tally.figures().value)
    assert values == [1.0, 0.0]
    with pytest.raises(Unscorable, match="column"):
        AucTally(Auc(column=2)).add({}, {"y": table}, {"labels": np.array([0, 1, 0])})


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_the_edit_distance_is_levenshtein_s_and_a_metric(one: str, two: str, three: str) -> None:
    assert edit_distance(one, two) == Levenshtein.distance(one, two) == edit_distance(two, one)
    assert (edit_distance(one, two) == 0) is (one == two)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)


LETTERS = "-abc "


def path_of(text: str) -> Any:
    """Scores by time whose best path reads `text`: each letter twice, a blank after it."""
    tokens = [token for letter in text for token in [LETTERS.index(letter)] * 2 + [0]] + [0] * 2
    return np.eye(len(LETTERS), dtype=np.float32)[tokens]


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_error_rates_are_those_of_jiwer(rows: list[tuple[str, str]]) -> None:
    right = [text for text, _ in rows]
    if not all(text.split() for text in right):
        return
    tally = TextTally(Text(vocabulary=tuple(LETTERS)))
    for text, told in rows:
        tally.add({}, {"y": path_of(told)[None]}, {"labels": np.array([text])})
    figures, told_all = tally.figures(), [told for _, told in rows]
    exact = np.mean([text == told for text, told in rows])
    assert figures.also[Measure.EXACT_MATCH] == pytest.approx(exact)
    strip = jiwer.Compose(
        [jiwer.RemoveMultipleSpaces(), jiwer.Strip(), jiwer.ReduceToListOfListOfWords()]
    )
    words = jiwer.wer(right, told_all, reference_transform=strip, hypothesis_transform=strip)
    assert figures.also[Measure.WER] == pytest.approx(words)
    letters = jiwer.Compose([jiwer.ReduceToListOfListOfChars()])
    found = jiwer.cer(right, told_all, reference_transform=letters, hypothesis_transform=letters)
    assert figures.value == pytest.approx(found)


def test_tokens_are_compared_as_they_are_and_parted_at_the_space() -> None:
    tally = TextTally(Text(space=4))
    labels = np.array([[1, 2, 4, 3, -1], [1, 1, -1, -1, -1]])
    told = np.stack([path_of("ab c"), path_of("ab c")])
    tally.add({}, {"y": told}, {"labels": labels})
    figures = tally.figures()
    assert figures.also == {Measure.WER: 2 / 3, Measure.EXACT_MATCH: 0.5}
    assert figures.value == 3 / 6


def test_time_may_come_first_and_tokens_may_be_told_by_the_model() -> None:
    first = TextTally(Text(axes=Axes.TBC))
    first.add({}, {"y": path_of("abba")[:, None]}, {"labels": np.array([[1, 2, 2, 1]])})
    assert first.figures().value == 0.0
    ids = TextTally(Text(decode=Decode.IDS))
    told = {"ids": np.array([[1, 2, 2, 1, 0, 0]])}
    ids.add({}, told, {"labels": np.array([[1, 2, 2, 1]])})
    assert ids.figures().value == 0.0


def test_a_token_beyond_the_vocabulary_is_one_wrong_character() -> None:
    tally = TextTally(Text(vocabulary=("-", "a")))
    tally.add({}, {"y": path_of("ab")[None]}, {"labels": np.array(["ab"])})
    assert tally.figures().value == 0.5


def test_words_of_tokens_cannot_be_counted_without_a_space() -> None:
    tally = TextTally(Text(measure=TextMeasure.WER))
    tally.add({}, {"y": path_of("ab")[None]}, {"labels": np.array([[1, 2]])})
    with pytest.raises(Unscorable, match="“space”"):
        tally.figures()
