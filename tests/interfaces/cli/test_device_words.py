"""What the commands on devices make of their words, and of what the server tells."""

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from interfaces.cli.device_command import Kind, arguments_of, require_success
from interfaces.cli.device_live import means, take
from interfaces.cli.device_options import labels
from interfaces.cli.device_twin import is_reported, require_not_overruled
from interfaces.cli.moment import seconds_of
from interfaces.cli.patience import TimeIsOver, within
from interfaces.cli.refused import CommandRefused


def device(**given: Any) -> dict[str, Any]:
    known = {
        "id": "1",
        "name": "Lamp",
        "online": True,
        "group": "hall",
        "labels": [{"name": "site", "value": "berlin"}],
        "profile": {"id": "p"},
        "decommissioned": False,
        "changed": 5,
    }
    return known | given


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("1d", 86400), ("2 weeks", 1209600)],
)
def test_a_length_of_time_is(given: str, seconds: int) -> None:
    assert seconds_of(given, "expires") == seconds


@pytest.mark.parametrize("given", ["", "soon", "-5s", "5x", "s", "1e9", "9" * 400, "1d ago ago"])
def test_what_is_no_length_of_time_is_refused(given: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        seconds_of(given, "expires")
    assert refused.value.field == "expires"


def test_labels_are_names_and_values() -> None:
    assert labels(["site=berlin", "rack=a=b"]) == {"site": "berlin", "rack": "a=b"}
    with pytest.raises(CommandRefused):
        labels(["site"])


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ({}, True),
        ({"online": False}, False),
        ({"labels": ["site=berlin"]}, True),
        ({"labels": ["site=berlin", "floor=1"]}, False),
        ({"text": "LAM"}, True),
        ({"group": "other"}, False),
        ({"deviceProfileId": "p"}, True),
        ({"deviceProfileId": "q"}, False),
        ({"decommissioned": None}, True),
        ({"decommissioned": True}, False),
    ],
)
def test_a_filter_means_a_device_as_the_server_says(wanted: dict[str, Any], answer: bool) -> None:
    assert means(wanted, device()) == answer


def test_a_list_that_is_watched_takes_what_comes_and_lets_go_what_it_does_not_mean() -> None:
    shown: dict[str, Any] = {}
    take(shown, {"online": True}, device())
    assert shown.keys() == {"1"}
    take(shown, {"online": True}, device(online=False, changed=6))
    assert shown == {}


def test_what_was_read_later_is_not_overwritten_by_an_earlier_change() -> None:
    shown = {"1": device(changed=9, name="newer")}
    take(shown, {}, device(changed=8))
    assert shown["1"]["name"] == "newer"


@pytest.mark.parametrize(
    ("patch", "left", "reported"),
    [
        ({"a": 1}, {}, True),
        ({"a": 1}, {"b": 1}, True),
        ({"a": 1}, {"a": 1}, False),
        ({"a": None}, {"a": 1}, True),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, False),
        ({"a": {}}, {"a": {}}, False),
    ],
)
def test_a_change_is_reported_when_nothing_of_it_is_left_to_do(
    patch: dict[str, Any], left: dict[str, Any], reported: bool
) -> None:
    assert is_reported(patch, left) == reported


def test_what_a_device_cannot_do_is_told_at_once_and_only_of_what_was_asked() -> None:
    patch = {"configuration": {"log": "LOUD"}, "nope": 1}
    for reported, told in [
        ({"desired_version": 1, "unknown": ["nope"]}, None),
        ({"desired_version": 2, "problems": {"model": "too large"}, "unknown": []}, None),
        ({"desired_version": True, "unknown": ["nope"]}, None),
        ({"unknown": ["nope"]}, None),
        ({"desired_version": 2, "unknown": ["nope"]}, "nope: it does not know this"),
        ({"desired_version": 2, "problems": {"configuration.log": "no"}}, "configuration.log: no"),
    ]:
        if told is None:
            require_not_overruled({"reported": reported}, patch, 2)
            continue
        with pytest.raises(CommandRefused) as refused:
            require_not_overruled({"reported": reported}, patch, 2)
        assert refused.value.code == "OVERRULED"
        assert told in refused.value.message


@pytest.mark.parametrize(
    ("kind", "words", "arguments"),
    [
        (Kind.PING, [], {}),
        (Kind.DIAGNOSE, ["disk"], {"diagnostic": "DISK"}),
        (Kind.DIAGNOSE, ["diagnostic=DISK"], {"diagnostic": "DISK"}),
        (Kind.COLLECT_LOGS, ["lines=500"], {"lines": 500}),
        (
            Kind.SET_CONFIGURATION,
            ["log.level=debug"],
            {"configuration": {"log": {"level": "debug"}}},
        ),
    ],
)
def test_words_mean_arguments(kind: Kind, words: list[str], arguments: dict[str, Any]) -> None:
    assert arguments_of(kind, words) == arguments


@pytest.mark.parametrize("status", ["FAILED", "REFUSED", "EXPIRED", "SENT"])
def test_a_command_that_did_not_succeed_is_a_failure_with_words(status: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        require_success({"status": status, "error": None})
    assert refused.value.code == status
    assert refused.value.message


def test_what_comes_is_taken_for_so_long_and_no_longer() -> None:
    silence = threading.Event()

    def one_and_then_nothing() -> Iterator[int]:
        yield 1
        silence.wait()

    taken = within(one_and_then_nothing(), 0.2)
    assert next(taken) == 1
    with pytest.raises(TimeIsOver):
        next(taken)
    silence.set()
    assert list(within(iter([1, 2]), 60)) == [1, 2]


def test_what_breaks_while_it_is_waited_for_breaks_for_who_waits() -> None:
    def broken() -> Iterator[int]:
        yield from itertools.repeat(1, 2)
        raise CommandRefused("GONE", "gone")

    taken = within(broken(), 60)
    assert [next(taken), next(taken)] == [1, 1]
    with pytest.raises(CommandRefused):
        next(taken)
