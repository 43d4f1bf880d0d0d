"""Signed calls of devices, each of which is taken once."""

from datetime import datetime
from typing import Protocol


class DeviceCalls(Protocol):
    def take(self, id: str, expires_at: datetime) -> bool:
        """False where it was taken before. It is remembered until it expires."""
        ...
