"""What a person says of a rollout, as the API takes it."""

from typing import Any

import pytest

from interfaces.cli.refused import CommandRefused
from interfaces.cli.rollout_options import gates_input, waves_input, window_input


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("20%,100%", [{"share": 0.2}, {"share": 1.0}]),
        ("1, 10, 100%", [{"count": 1}, {"count": 10}, {"share": 1.0}]),
    ],
)
def test_waves_are_shares_or_counts(given: str, meant: list[dict[str, Any]]) -> None:
    assert waves_input(given) == meant


def test_a_window_may_go_over_midnight_and_name_its_days() -> None:
    assert window_input(None) is None
    assert window_input("22:00-04:30") == {"fromMinute": 1_320, "toMinute": 270}
    assert window_input("1:00-5:00@76") == {"fromMinute": 60, "toMinute": 300, "days": [6, 7]}


def test_a_gate_has_a_ratio_or_the_platforms_own() -> None:
    assert gates_input(["latency=1.5", "error-rate"]) == [
        {"metric": "LATENCY", "maxRatio": 1.5},
        {"metric": "ERROR_RATE"},
    ]


@pytest.mark.parametrize("given", ["", "x", "22-04", "22:00", "22:00-04:00@8", "22:00–04:00"])
def test_what_is_no_window_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        window_input(given)
    assert refused.value.field == "window"


@pytest.mark.parametrize("given", ["", "x%", "one", "1,,2"])
def test_what_is_no_wave_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        waves_input(given)
    assert refused.value.field == "waves"
