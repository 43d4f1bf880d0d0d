"""Ranges from calibration rows: the histogram's counts do not depend on how rows came, and each way
of choosing keeps what it promises."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.ranges.choosing import chosen
from infrastructure.engine.ranges.histogram import BINS, Histogram
from infrastructure.engine.ranges.seen import Seen
from infrastructure.engine.ranges.trying import tried

FLOATS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60)
WAYS = [one for one in CalibrationMethod if one is not CalibrationMethod.BEST]


def histogram(*portions: np.ndarray) -> Histogram:
    made = Histogram()
    for one in portions:
        made.add(np.asarray(one, np.float32))
    return made


def bell(rows: int = 20_000, outlier: float | None = None) -> np.ndarray:
    values = np.random.default_rng(3).standard_normal(rows).astype(np.float32)
    return values if outlier is None else np.append(values, np.float32(outlier))


@given(FLOATS, st.randoms())
def test_counts_depend_neither_on_the_order_of_values_nor_on_their_grouping(values, random):
    whole = histogram(np.array(values))
    shuffled = list(values)
    random.shuffle(shuffled)
    apart = histogram(*(np.array([one]) for one in shuffled))
    assert (whole.exponent, whole.first) == (apart.exponent, apart.first)
    np.testing.assert_array_equal(whole.counts, apart.counts)
    assert (whole.low, whole.high, whole.zeros) == (apart.low, apart.high, apart.zeros)


@given(FLOATS)
def test_no_value_is_lost_and_memory_is_bounded(values):
    found = histogram(*(np.array([one]) for one in values))
    assert found.total == len(values)
    assert found.counts.size <= BINS
    assert found.low == min(0.0, *np.array(values, np.float32))
    assert found.high == max(0.0, *np.array(values, np.float32))


def test_a_tensor_that_grows_by_nine_orders_of_magnitude_keeps_its_bins_few():
    found = histogram(*(np.array([10.0**power]) for power in range(-6, 4)))
    assert found.counts.size <= BINS
    assert found.total == 10


def test_nan_and_infinity_are_counted_and_left_out():
    found = histogram(np.array([1.0, np.nan, np.inf, -np.inf, 2.0]))
    assert (found.broken, found.total, found.high) == (3, 2, 2.0)


@pytest.mark.parametrize("way", WAYS)
def test_every_range_holds_zero_and_nothing_beyond_the_extremes(way):
    for values in (bell(), np.abs(bell()) + 1, -np.abs(bell()) - 1, np.zeros(5), np.full(9, 4.0)):
        found = histogram(values)
        low, high = chosen(found, Calibration(way))
        assert found.low <= low <= 0.0 <= high <= found.high


def test_minmax_is_exact_and_the_others_leave_a_lone_outlier_out():
    found = histogram(bell(outlier=1_000.0))
    assert chosen(found, Calibration())[1] == 1_000.0
    for way in (CalibrationMethod.PERCENTILE, CalibrationMethod.ENTROPY):
        assert chosen(found, Calibration(way, percentile=99.9))[1] < 500.0


def test_a_percentile_cuts_its_share_at_each_end():
    values = bell(200_000)
    low, high = chosen(
        histogram(values), Calibration(CalibrationMethod.PERCENTILE, percentile=99.0)
    )
    assert (values < low).mean() == pytest.approx(0.005, abs=0.0005)
    assert (values > high).mean() == pytest.approx(0.005, abs=0.0005)


def test_a_smaller_percentile_never_gives_a_wider_range():
    found = histogram(bell())
    spans = [
        np.ptp(chosen(found, Calibration(CalibrationMethod.PERCENTILE, percentile=one)))
        for one in (80.0, 95.0, 99.0, 99.9, 100.0)
    ]
    assert all(narrow <= wide for narrow, wide in pairwise(spans))


def test_least_squares_loses_no_more_than_any_other_way():
    values = np.append(bell(), [40.0, -60.0]).astype(np.float32)
    found = histogram(values)

    def lost(way: CalibrationMethod) -> float:
        low, high = chosen(found, Calibration(way))
        step = (high - low) / 255
        held = np.clip(np.round(values / step) * step, low, high)
        return float(((values - held) ** 2).mean())

    best = lost(CalibrationMethod.MSE)
    assert all(best <= 1.05 * lost(way) for way in WAYS)
    assert best < lost(CalibrationMethod.MINMAX)


def test_entropy_does_not_cut_other_values_off_to_show_spikes_sharply():
    """As one background gives them: each channel has a value of its own, over and over."""
    random = np.random.default_rng(5)
    spikes = np.repeat(random.uniform(-0.06, 0.45, 20), 4_000)
    values = np.append(spikes, random.exponential(0.5, 20_000)).astype(np.float32)
    low, high = chosen(histogram(values), Calibration(CalibrationMethod.ENTROPY))
    assert ((values < low) | (values > high)).mean() < 0.01


def test_zeros_do_not_pull_the_range_in():
    values = np.random.default_rng(5).uniform(0, 6, 5_000)
    padded = np.append(values, np.zeros(500_000))
    bare = chosen(histogram(values), Calibration(CalibrationMethod.MSE))
    assert chosen(histogram(padded), Calibration(CalibrationMethod.MSE)) == bare


def test_small_tensors_that_wait_are_all_counted():
    seen = Seen(["a"])
    for number in range(100):
        seen.add("a", np.full(7, number + 1))
    assert seen.histograms()["a"].total == 700


def test_best_tries_every_way_and_a_named_one_is_the_only_one():
    ways = tried(Calibration(CalibrationMethod.BEST, samples=9))
    assert {one.method for one in ways} == set(WAYS)
    assert {one.samples for one in ways} == {9}
    assert tried(Calibration(CalibrationMethod.MSE)) == (Calibration(CalibrationMethod.MSE),)
