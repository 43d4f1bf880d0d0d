"""Who is signed in. A session is found by the sha256 of its secret, which is kept nowhere.

`now` is the caller's clock: a session lasts hours, and clocks of one installation differ by less.
Each end of a session is told on the channel `listening.ACCESS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.principal import Role

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Session:
    """`acting_in` is the tenant that the user has chosen; `role` what they are there now, None
    when they are no longer a member."""

    id: UUID
    user_id: UUID
    acting_in: UUID | None
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str = ""
    address: str = ""
    role: Role | None = None


class Sessions(Protocol):
    """The sessions of everybody."""

    def start(self, session: Session, sha256: str, instead_of: UUID | None = None) -> None:
        """Adds a session; ends the one it takes the place of in the same transaction."""
        ...

    def find(self, sha256: str, now: datetime) -> Session | None:
        """The session, unless it ended or was idle for too long; remembers that it was seen."""
        ...

    def of_user(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        """Newest first."""
        ...

    def end(self, user_id: UUID, session_id: UUID | None = None, but: UUID | None = None) -> int:
        """Ends one session of a user, or all, or all but one; returns how many."""
        ...
