"""Passwords by argon2id. The parameters are written into every hash, and a hash with others is
made anew when its password is next seen.

46 MiB, one pass, one lane is the first of the settings that OWASP recommends; what it costs at
once is bounded by how many sign-ins are looked at at a time (interfaces/http/app.py).
"""

from functools import cached_property

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Passwords:
    """Implements `application.ports.passwords.Passwords`."""

    def __init__(
        self, *, time_cost: int = 1, memory_kib: int = 47_104, parallelism: int = 1
    ) -> None:
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism, type=Type.ID)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("what a user who is not there would have")

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def matches(self, kept: str | None, password: str) -> bool:
        nobodys = self._nobodys  # made by the first, whoever it is
        try:
            self._hasher.verify(kept or nobodys, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)
