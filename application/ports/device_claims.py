"""Whose a claim code is."""

from typing import Protocol
from uuid import UUID


class DeviceClaims(Protocol):
    def find(self, sha256: str) -> tuple[UUID, UUID] | None:
        """The tenant and the claim with this code; None for a code that nobody issued."""
        ...
