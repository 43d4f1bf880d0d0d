"""Whole columns are written as their values are one by one."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from interfaces.graphql.columns import _date_time

ZONES = st.sampled_from([UTC, None, timezone(timedelta(hours=5, minutes=30))])


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1))
def test_times_in_utc_are_written_as_isoformat_does(times: list[datetime]) -> None:
    assert _date_time(times, {datetime}) == [time.isoformat() for time in times]


@given(st.lists(st.datetimes(timezones=ZONES.filter(lambda zone: zone is not None)), min_size=1))
def test_times_in_other_zones_are_too(times: list[datetime]) -> None:
    assert _date_time(times, {datetime}) == [time.isoformat() for time in times]
