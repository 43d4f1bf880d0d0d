"""A moment is a position, a time, or how long ago."""

from datetime import UTC, datetime, timedelta

import pytest

from interfaces.cli.moment import moment
from interfaces.cli.refused import CommandRefused

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "ago"),
    [
        ("10m ago", timedelta(minutes=10)),
        ("10 minutes ago", timedelta(minutes=10)),
        ("1.5h", timedelta(hours=1.5)),
        ("3d ago", timedelta(days=3)),
        ("2 weeks ago", timedelta(weeks=2)),
        ("yesterday", timedelta(days=1)),
        ("now", timedelta()),
    ],
)
def test_a_relative_moment_is_a_time(given: str, ago: timedelta) -> None:
    assert moment(given, now=NOW) == {"time": (NOW - ago).isoformat()}


def test_a_number_is_a_position() -> None:
    assert moment(" 1234 ") == {"position": 1234}


def test_a_time_keeps_its_zone() -> None:
    assert moment("2026-03-01T12:00:00+02:00") == {"time": "2026-03-01T12:00:00+02:00"}


def test_a_time_without_a_zone_is_of_this_machine() -> None:
    found = moment("2026-03-01T12:00")["time"]
    assert datetime.fromisoformat(found).tzinfo is not None


@pytest.mark.parametrize(
    "given", ["", "soon", "-5", "10 parsecs ago", "2026-13-01", "9" * 30 + "d"]
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        moment(given)
    assert (refused.value.code, refused.value.field) == ("INVALID", "as-of")
