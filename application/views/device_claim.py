"""What people see of claims; never their codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device_claim import DeviceClaim


@dataclass(frozen=True, slots=True)
class DeviceClaimRow:
    id: UUID
    tenant_id: UUID
    sha256: str
    labels: dict[str, str]
    group_name: str | None
    profile_id: UUID | None
    issued_at: datetime
    issued_by: str
    expires_at: datetime
    device_id: UUID | None
    withdrawn: bool
    position: int
    changed: int


device_claims = View("device_claims", {"device_claims": ("id",)})


@device_claims.on(DeviceClaim.Issued)
def _issued(event: DeviceClaim.Issued, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "device_claims",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "sha256": event.sha256,
            "labels": event.labels,
            "group_name": event.group,
            "profile_id": event.profile_id,
            "issued_at": event.timestamp,
            "issued_by": event.cause.actor,
            "expires_at": event.expires_at,
            "device_id": None,
            "withdrawn": False,
            "position": at.position,
            "changed": at.position,
        },
    )


@device_claims.on(DeviceClaim.Used)
def _used(event: DeviceClaim.Used, at: RecordedEvent) -> Iterator[Change]:
    changed = {"device_id": event.device_id, "changed": at.position}
    yield Update("device_claims", {"id": event.originator_id}, changed)


@device_claims.on(DeviceClaim.Withdrawn)
def _withdrawn(event: DeviceClaim.Withdrawn, at: RecordedEvent) -> Iterator[Change]:
    changed = {"withdrawn": True, "changed": at.position}
    yield Update("device_claims", {"id": event.originator_id}, changed)
