"""Comparing: the figures are those of their formulas, in batches as in one piece."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from infrastructure.engine.proof.compare import OutputTally
from infrastructure.engine.proof.timing import median_between
from tests.engine.models import Array

RANDOM = np.random.default_rng(3)


def tallied(source: Array, variant: Array, pieces: int = 1) -> OutputTally:
    tally = OutputTally("out")
    halves = zip(np.array_split(source, pieces), np.array_split(variant, pieces), strict=True)
    for s, v in halves:
        tally.add(s, v)
    return tally


def test_equal_outputs_have_no_noise() -> None:
    values = RANDOM.normal(size=(5, 3)).astype(np.float32)
    parity = tallied(values, values).parity()
    assert (parity.cosine, parity.sqnr_db, parity.max_abs_error) == (1.0, None, 0.0)
    assert parity.argmax_agreement == 1.0


def test_the_figures_are_those_of_the_formulas() -> None:
    s = RANDOM.normal(size=(50, 4))
    v = s + RANDOM.normal(0, 0.1, size=s.shape)
    parity = tallied(s, v, pieces=7).parity()
    cosine = (s * v).sum() / math.sqrt((s * s).sum() * (v * v).sum())
    assert parity.cosine == pytest.approx(cosine)
    assert parity.sqnr_db == pytest.approx(10 * math.log10((s * s).sum() / ((s - v) ** 2).sum()))
    assert parity.max_abs_error == pytest.approx(np.abs(s - v).max())
    assert parity.argmax_agreement == (s.argmax(1) == v.argmax(1)).mean()


def test_what_became_infinite_is_counted_and_left_out_of_the_sums() -> None:
    s, v = np.array([[1.0, 2.0, np.inf]]), np.array([[np.nan, 2.0, np.inf]])
    parity = tallied(s, v).parity()
    assert (parity.non_finite, parity.values) == (1, 3)
    assert (parity.cosine, parity.max_abs_error) == (1.0, 0.0)


def test_integer_outputs_agree_by_value() -> None:
    parity = tallied(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])).parity()
    assert parity.argmax_agreement == 0.75


def test_an_image_has_no_class() -> None:
    assert tallied(np.ones((1, 3, 4, 4)), np.ones((1, 3, 4, 4))).parity().argmax_agreement is None


def test_a_silent_source_with_noise_stays_a_number() -> None:
    parity = tallied(np.zeros((2, 2)), np.ones((2, 2))).parity()
    assert (parity.cosine, parity.sqnr_db) == (0.0, -400.0)


def test_outputs_of_different_shapes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shape"):
        tallied(np.ones((1, 2)), np.ones((1, 3)))


floats = st.floats(-(2.0**60), 2.0**60, width=32)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)


@given(st.data())
def test_no_numbers_break_the_figures(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    s = data.draw(hnp.arrays(np.float32, shape, elements=floats))
    v = data.draw(hnp.arrays(np.float32, shape, elements=floats))
    parity = tallied(s, v).parity()
    assert -1.0 <= parity.cosine <= 1.0
    assert parity.sqnr_db is None or math.isfinite(parity.sqnr_db)
    assert math.isfinite(parity.max_abs_error)


def test_the_bounds_of_a_median_hold_it_and_narrow_with_more_samples() -> None:
    few, many = RANDOM.normal(1, 0.1, 10), RANDOM.normal(1, 0.1, 1_000)
    low, middle, high = median_between(few.tolist())
    assert low <= middle <= high
    narrow = median_between(many.tolist())
    assert narrow[2] - narrow[0] < high - low
    assert median_between([2.0]) == (2.0, 2.0, 2.0)


def test_embeddings_are_judged_by_their_direction_and_not_by_their_largest_number() -> None:
    long = RANDOM.normal(size=(30, 16))
    s = long / np.linalg.norm(long, axis=1, keepdims=True)
    v = s + RANDOM.normal(0, 0.01, size=s.shape)
    assert tallied(s, v, pieces=4).parity().argmax_agreement is None
    assert tallied(long, long).parity().argmax_agreement == 1.0
    certain = np.eye(16)
    assert tallied(certain, certain).parity().argmax_agreement == 1.0
