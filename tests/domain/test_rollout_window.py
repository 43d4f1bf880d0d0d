"""Maintenance windows, by the device's own clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusal import Refusal
from domain.rollout_plan import Plan, Window
from domain.rollout_window import is_open, opens_at

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
NIGHT = Window(22 * 60, 4 * 60, days=(6,))
MINUTES = st.integers(0, 7 * 1_440 - 1).map(lambda minute: SUNDAY + timedelta(minutes=minute))
OFFSETS = st.integers(-12 * 60, 14 * 60)
DAYS = st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days)))
WINDOWS = st.builds(Window, st.integers(0, 1_439), st.integers(0, 1_439), DAYS).filter(
    lambda window: window.from_minute != window.to_minute
)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    assert is_open(NIGHT, SUNDAY + timedelta(hours=3), 0), "it began on Saturday"
    assert not is_open(NIGHT, SUNDAY + timedelta(hours=4), 0)
    assert not is_open(NIGHT, SUNDAY + timedelta(hours=23), 0), "Sunday has none"


def test_it_goes_by_the_time_of_the_device() -> None:
    morning = Window(9 * 60, 10 * 60)
    assert not is_open(morning, SUNDAY + timedelta(hours=7), 0)
    assert is_open(morning, SUNDAY + timedelta(hours=7), 120)


@given(WINDOWS, MINUTES, OFFSETS)
def test_it_is_open_when_it_opens_and_not_a_minute_before(
    window: Window, now: datetime, offset: int
) -> None:
    opens = opens_at(window, now, offset)
    assert now <= opens <= now + timedelta(days=7)
    assert is_open(window, opens, offset)
    assert opens == now or not is_open(window, opens - timedelta(minutes=1), offset)


@pytest.mark.parametrize(
    ("window", "field"),
    [
        (Window(0, 60, days=()), "window.days"),
        (Window(0, 60, days=(0,)), "window.days"),
        (Window(0, 60, days=(8,)), "window.days"),
        (Window(-1, 60), "window.from_minute"),
        (Window(0, 1_441), "window.to_minute"),
        (Window(60, 60), "window.to_minute"),
    ],
)
def test_one_that_never_opens_is_refused_by_its_field(window: Window, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        Plan(window=window).checked()
    assert refused.value.field == field
