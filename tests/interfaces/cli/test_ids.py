"""Ids are given as UUIDs, their beginnings or Relay ids, and shown as UUIDs."""

import base64

import pytest

from interfaces.cli.ids import by_beginning, relay_id, short, uuid_of
from interfaces.cli.refused import CommandRefused

UUID = "6f9a3c52-0f5e-5d0e-9c1b-2f6d1a7b8e10"
OTHER = "6f9a3c52-ffff-5d0e-9c1b-2f6d1a7b8e10"


def relay(kind: str, inner: str = UUID) -> str:
    return base64.b64encode(f"{kind}:{inner}".encode()).decode()


def test_a_relay_id_stays_itself() -> None:
    assert relay_id("Model", relay("Model")) == relay("Model")


def test_a_uuid_becomes_a_relay_id_in_any_spelling() -> None:
    assert relay_id("Model", UUID.upper()) == relay("Model")
    assert relay_id("Model", UUID.replace("-", "")) == relay("Model")


def test_an_id_of_another_kind_is_none() -> None:
    assert relay_id("Model", relay("Job")) is None


@pytest.mark.parametrize("name", ["digits", "", "YWJj", "a b", "größe"])
def test_a_name_is_no_id(name: str) -> None:
    assert relay_id("Model", name) is None


def test_people_see_the_uuid() -> None:
    assert uuid_of(relay("Job")) == UUID
    assert short(relay("Job")) == "6f9a3c52"
    assert uuid_of("digits") == "digits"


def test_a_beginning_finds_the_one_that_begins_so() -> None:
    held = [relay("Job"), relay("Job", OTHER)]
    assert by_beginning("6f9a3c52-0f", held, "job") == relay("Job")
    assert by_beginning("abcd", held, "job") is None
    assert by_beginning("digits", held, "job") is None


def test_a_beginning_of_several_is_refused() -> None:
    with pytest.raises(CommandRefused) as refused:
        by_beginning("6f9a", [relay("Job"), relay("Job", OTHER)], "job")
    assert refused.value.code == "AMBIGUOUS"
