"""What waits to be told to devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Due:
    """A row of `application.views.device_messages`."""

    key: str
    tenant_id: UUID
    device_id: UUID
    payload: dict[str, Any]


class DeviceOutbox(Protocol):
    def due(self, most: int) -> Sequence[Due]:
        """Takes what is due; it is due again after some seconds unless it is done by then. Several
        gateways get different rows."""
        ...

    def done(self, due: Due) -> None:
        """The broker has it. A row that was replaced by a newer one stays."""
        ...
