"""Names that can be told apart, each used once."""

from uuid import UUID, uuid4

import pytest

from domain.naming import Name, checked_name
from domain.refusal import Refusal, RefusalCode

TENANT = UUID("11111111-1111-4111-8111-111111111111")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 121,
        "x" * 10_000,
        " padded",
        "line\nbreak",
        "nul\x00",
        "bell\x07",
        "right\u202eto left",
        "zero\u200bwidth",
        "esc\x1b[31m",
        "para\u2029graph",
        "\ud800",
    ],
)
def test_a_name_that_could_deceive_a_reader_is_refused_naming_the_field(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_name(name, "name")
    assert refused.value.code is RefusalCode.INVALID
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    "name", ["a", "Modèle №1", "数字", "x" * 120, "a b", "emoji 🙂", "'; DROP"]
)
def test_names_of_all_languages_are_welcome(name: str) -> None:
    assert checked_name(name) == name


def test_two_spellings_of_one_letter_are_one_name() -> None:
    assert checked_name("e\u0301") == checked_name("\u00e9")


def test_names_that_differ_in_case_alone_are_the_same_name() -> None:
    assert Name.id_of(TENANT, "model", "Digits") == Name.id_of(TENANT, "model", "digits")


def test_a_held_name_is_refused_and_a_released_one_is_free() -> None:
    first, second = uuid4(), uuid4()
    name = Name.reserve(TENANT, "model", "digits", first)
    with pytest.raises(Refusal) as refused:
        name.reserve_again("model", "digits", second)
    assert refused.value.code is RefusalCode.NAME_TAKEN
    name.release(first)
    name.reserve_again("model", "digits", second)
    assert name.holder == second


def test_only_its_holder_can_release_a_name() -> None:
    holder = uuid4()
    name = Name.reserve(TENANT, "model", "digits", holder)
    name.release(uuid4())
    assert name.holder == holder
