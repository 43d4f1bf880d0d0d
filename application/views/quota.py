"""What people see of quotas: every unit, the event that spent it, and whether it was returned."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.quota import Quota


@dataclass(frozen=True, slots=True)
class QuotaUnitRow:
    tenant_id: UUID
    kind: str
    period: str
    quota_id: UUID
    subject: UUID
    spent_by: str
    spent_at: datetime
    returned_at: datetime | None
    returned_reason: str | None
    position: int


quotas = View("quotas", {"quota_units": ("quota_id", "subject")})


@quotas.on(Quota.Spent)
def _spent(event: Quota.Spent, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "quota_units",
        {
            "tenant_id": at.tenant_id,
            "kind": event.kind,
            "period": event.period,
            "quota_id": event.originator_id,
            "subject": event.subject,
            "spent_by": event.spent_by,
            "spent_at": event.timestamp,
            "returned_at": None,
            "returned_reason": None,
            "position": at.position,
        },
    )


@quotas.on(Quota.Returned)
def _returned(event: Quota.Returned, at: RecordedEvent) -> Iterator[Change]:
    yield Update(
        "quota_units",
        {"quota_id": event.originator_id, "subject": event.subject},
        {"returned_at": event.timestamp, "returned_reason": event.reason},
    )
