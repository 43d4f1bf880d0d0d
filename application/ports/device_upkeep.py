"""What the gateway looks up across tenants: commands whose time is over, and who is to be kept out
of the broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OverdueCommand:
    tenant_id: UUID
    device_id: UUID
    command_id: UUID


class DeviceUpkeep(Protocol):
    """By the database's clock."""

    def overdue_commands(self, most: int) -> Sequence[OverdueCommand]:
        """Commands that were not answered in their time."""
        ...

    def revoked_serials(self) -> Sequence[str]:
        """Certificates that are revoked and would be in force otherwise."""
        ...
