"""Addresses and passwords: what is taken, and what is refused in words that help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusal import Refusal, RefusalCode
from domain.user import checked_email, checked_password, email_key, normalized_password


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "purple-tram-eats-lemon",
        "пароль с пробелами и словами",
        "aB3$aB3$xY7!qW9@",
        "x" * 8 + "violet armchair",
        "長い長い合言葉は忘れにくいものですね",
    ],
)
def test_length_is_what_counts(password: str) -> None:
    checked_password(password, "ada@example.com", "Ada Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "Tr0ub4dor&3",
        "fourteen chars",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "123456789012345",
        "abcdefghijklmnop",
        "qwertyuiopasdfgh",
        "passwordpassword1",
        "ada.lovelace@example.com",
        "lovelacelovelace1",
        "edgewiseedgewise",
        "z" * 257,
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_password(password, "ada.lovelace@example.com", "Ada Lovelace")
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, "password")


def test_a_password_is_one_however_it_was_typed() -> None:
    assert normalized_password("e\u0301t\u00e9 Ａ") == normalized_password("\u00e9te\u0301 A")


@given(st.text(), st.text(), st.text())
def test_any_text_is_judged(password: str, email: str, name: str) -> None:
    try:
        checked_password(password, email, name).encode()
    except Refusal:
        pass


@pytest.mark.parametrize("email", ["ada@example.com", " Ada@Example.co.uk ", "jö@exämple.de"])
def test_addresses_that_are_taken(email: str) -> None:
    assert checked_email(email) == email.strip()


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.com", "ada@localhost", "a b@example.com", "a\0@example.com",
     "<a>@example.com", "a@example.com, b@example.com", "x" * 250 + "@example.com", "\ud800@a.b"],
)  # fmt: skip
def test_addresses_that_are_none(email: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_email(email)
    assert refused.value.field == "email"


@given(st.text())
def test_whatever_was_typed_can_be_looked_up(email: str) -> None:
    key = email_key(email)
    assert "\0" not in key
    key.encode()
    assert email_key(key) == key
