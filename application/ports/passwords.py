"""Keeping passwords so that nobody can read them back."""

from typing import Protocol


class Passwords(Protocol):
    """Slow on purpose, and as slow for a user who is not there."""

    def hash(self, password: str) -> str:
        """Salted, with the parameters it was made with inside."""
        ...

    def matches(self, kept: str | None, password: str) -> bool:
        """False for None, after the same work."""
        ...

    def is_outdated(self, kept: str) -> bool:
        """Whether it was made with other parameters than today's."""
        ...
