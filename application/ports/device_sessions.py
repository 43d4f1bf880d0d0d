"""The connections of devices between two events: heartbeats, and ends that are not believed yet."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.device_presence import OfflineReason


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a device's agent."""

    tenant_id: UUID
    device_id: UUID
    boot_id: UUID


@dataclass(frozen=True, slots=True)
class EndedSession:
    session: Session
    reason: OfflineReason


class DeviceSessions(Protocol):
    """By the database's clock."""

    def began(self, session: Session, since: int = 0) -> None:
        """It is here: any end of it that was heard of is void. `since` numbers the message at which
        its connection began, where that is known."""
        ...

    def seen(self, sessions: Collection[Session]) -> list[Session]:
        """Heartbeats; returns those sessions that nobody knows, or that ended."""
        ...

    def left(self, session: Session, reason: OfflineReason, number: int) -> None:
        """Its end was heard of, in the message of this number; nothing where another session, or
        another connection of this one, has begun since."""
        ...

    def ended(self, most: int) -> list[EndedSession]:
        """Sessions whose end has stood long enough to be believed, or whose heartbeats stopped."""
        ...

    def forget(self, session: Session) -> None: ...

    def presume_alive(self) -> None:
        """Nobody listened for a while: silence counts from now."""
        ...
