"""What people see of invitations. Whom they were sent to is not in the events, nor here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.invitation import Invitation

OPEN, ACCEPTED, WITHDRAWN = "OPEN", "ACCEPTED", "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class InvitationRow:
    id: UUID
    tenant_id: UUID
    role: str
    status: str
    expires_at: datetime
    invited_at: datetime
    invited_by: str
    accepted_by: UUID | None
    position: int
    changed: int


invitations = View("invitations", {"invitations": ("id",)})


@invitations.on(Invitation.Sent)
def _sent(event: Invitation.Sent, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "invitations",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "role": event.role,
            "status": OPEN,
            "expires_at": event.expires_at,
            "invited_at": event.timestamp,
            "invited_by": event.cause.actor,
            "accepted_by": None,
            "position": at.position,
            "changed": at.position,
        },
    )


@invitations.on(Invitation.Accepted)
def _accepted(event: Invitation.Accepted, at: RecordedEvent) -> Iterator[Change]:
    columns = {"status": ACCEPTED, "accepted_by": event.user_id, "changed": at.position}
    yield Update("invitations", {"id": event.originator_id}, columns)


@invitations.on(Invitation.Withdrawn)
def _withdrawn(event: Invitation.Withdrawn, at: RecordedEvent) -> Iterator[Change]:
    columns = {"status": WITHDRAWN, "changed": at.position}
    yield Update("invitations", {"id": event.originator_id}, columns)
