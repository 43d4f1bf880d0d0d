"""A user stands outside all tenants and joins them as a member.

What is personal about a user is kept in rows that can be erased; events know the id alone. A
password is judged by its length and by whether it is easily guessed, not by what characters it is
made of (NIST SP 800-63B-4, 3.1.1.2).
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, invalid

SHORTEST_PASSWORD, LONGEST_PASSWORD = 15, 256
FEWEST_CHARACTERS = 6
LONGEST_EMAIL = 254
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890123456789")
_GUESSED_FIRST = ("password", "edgewise", "letmein", "iloveyou", "welcome", "changeme", "admin")


@dataclass(frozen=True, slots=True)
class User:
    """`email` as it was given; two addresses that differ in case alone are one."""

    id: UUID
    email: str
    name: str
    created_at: datetime
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A tenant that a user belongs to, by what the views show."""

    tenant_id: UUID
    tenant_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of an identity provider: `subject` is theirs for good at that `issuer`."""

    issuer: str
    subject: str


def checked_email(email: str) -> str:
    """Raises Refusal(INVALID). Whether anybody reads the mail there is another question."""
    email = unicodedata.normalize("NFC", email.strip())
    name, at, domain = email.rpartition("@")
    plain = email.isprintable() and not any(character.isspace() for character in email)
    encodable = not any("\ud800" <= character <= "\udfff" for character in email)
    if not (name and at and "." in domain.strip(".")) or len(email) > LONGEST_EMAIL:
        raise invalid("email", "This is no e-mail address. Give one such as ada@example.com.")
    if not plain or not encodable or any(character in '<>()[],;:"\\' for character in email):
        raise invalid("email", "The e-mail address has characters that none has. Remove them.")
    return email


def email_key(email: str) -> str:
    """What two spellings of one address have in common; safe to look up, whatever was typed."""
    key = email.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    for _ in range(2):  # to fold may denormalize, and to normalize may unfold
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())
    return key.strip()


def checked_user_name(name: str) -> str:
    return checked_name(name, "name")


def checked_password(password: str, *personal: str) -> str:
    """The password in NFKC form. `personal` are words that whoever guesses tries first: the
    address and the name. Raises Refusal(INVALID)."""
    password = normalized_password(password)
    if len(password) < SHORTEST_PASSWORD:
        raise invalid(
            "password",
            f"The password has {len(password)} characters. Use {SHORTEST_PASSWORD} or more; "
            "four or five words do well, and no special characters are needed.",
        )
    if len(password) > LONGEST_PASSWORD:
        raise invalid("password", f"Use {LONGEST_PASSWORD} characters at most.")
    if len(set(password.casefold())) < FEWEST_CHARACTERS or _is_guessed(password, personal):
        raise invalid(
            "password",
            "This password is easily guessed: it repeats or counts, or is made of your name, "
            "your address or a word that is tried first. Choose another.",
        )
    return password


def normalized_password(password: str) -> str:
    """One password however it was typed; a lone surrogate becomes a question mark."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def _is_guessed(password: str, personal: tuple[str, ...]) -> bool:
    """Whether too few characters stand outside of all that is tried first."""
    text = password.casefold()
    words = [word for given in personal for word in (given.casefold(), *_parts(given.casefold()))]
    runs = [run[start : start + 4] for run in _RUNS for start in range(len(run) - 3)]
    guessed: set[int] = set()
    for word in (*words, *_GUESSED_FIRST, *runs):
        at = text.find(word) if len(word) >= 4 else -1
        while at >= 0:
            guessed.update(range(at, at + len(word)))
            at = text.find(word, at + 1)
    return len(text) - len(guessed) < SHORTEST_PASSWORD // 2


def _parts(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text).split()


def wrong_credentials() -> Refusal:
    """The same for an unknown address and for a wrong password."""
    return Refusal(RefusalCode.UNAUTHENTICATED, "The e-mail address or the password is wrong.")


class TooManyTries(Refusal):
    """`retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            RefusalCode.RATE_LIMITED,
            f"Too many sign-ins were tried. Try again in {retry_after} seconds.",
        )
        self.retry_after = retry_after
