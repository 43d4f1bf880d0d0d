"""An invitation into a tenant: for one person, for some days, and taken once.

Whom it was sent to is personal data and stands outside the events, as does the secret in its link.
"""

from dataclasses import field
from datetime import datetime, timedelta
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode

LIFETIME = timedelta(days=7)


class Invitation(Aggregate):
    """Open until it is taken, withdrawn or too old."""

    TOPIC = "invitation"
    role: Role = field(init=False)
    expires_at: datetime = field(init=False)
    accepted_by: UUID | None = field(init=False, default=None)
    withdrawn: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Sent(Event, CreatedEvent):
        TOPIC = "invitation.sent"
        role: Role
        expires_at: datetime

        def apply(self, aggregate: "Invitation") -> None:
            aggregate.role = self.role
            aggregate.expires_at = self.expires_at
            aggregate.accepted_by = None
            aggregate.withdrawn = False

    class Accepted(Event):
        TOPIC = "invitation.accepted"
        user_id: UUID

        def apply(self, aggregate: "Invitation") -> None:
            aggregate.accepted_by = self.user_id

    class Withdrawn(Event):
        TOPIC = "invitation.withdrawn"

        def apply(self, aggregate: "Invitation") -> None:
            aggregate.withdrawn = True

    @classmethod
    def send(
        cls, invitation_id: UUID, role: Role, expires_at: datetime, request_hash: str
    ) -> "Invitation":
        return cls._create(
            cls.Sent,
            id=invitation_id,
            request_hash=request_hash,
            role=role,
            expires_at=expires_at,
        )

    def open_at(self, now: datetime) -> bool:
        return self.accepted_by is None and not self.withdrawn and now < self.expires_at

    def accept(self, user_id: UUID, now: datetime) -> None:
        """Once. The same user again changes nothing. Raises Refusal(INVALID_STATE)."""
        if self.accepted_by == user_id:
            return
        if not self.open_at(now):
            raise no_longer_open()
        self.trigger_event(Invitation.Accepted, user_id=user_id)

    def withdraw(self) -> None:
        """Raises Refusal(INVALID_STATE) for one that was taken."""
        if self.accepted_by is not None:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "This invitation was accepted already. Remove the member instead.",
                "invitationId",
            )
        if not self.withdrawn:
            self.trigger_event(Invitation.Withdrawn)


def no_longer_open() -> Refusal:
    """One answer for a link that never was, was used, was withdrawn or is too old."""
    return Refusal(
        RefusalCode.INVALID_STATE,
        "This invitation is not open: it was used, withdrawn, or is too old. "
        "Ask an owner for a new one.",
        "token",
    )
