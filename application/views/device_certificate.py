"""Every certificate that a device was given: who is let in, and what stands in revocation lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device import Device


@dataclass(frozen=True, slots=True)
class DeviceCertificateRow:
    serial: str
    tenant_id: UUID
    device_id: UUID
    key_id: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    reason: str | None
    position: int


device_certificates = View("device_certificates", {"device_certificates": ("serial",)})


@device_certificates.on(Device.CertificateIssued)
def _issued(event: Device.CertificateIssued, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "device_certificates",
        {
            "serial": event.certificate.serial,
            "tenant_id": at.tenant_id,
            "device_id": event.originator_id,
            "key_id": event.certificate.key_id,
            "issued_at": event.timestamp,
            "expires_at": event.certificate.not_after,
            "revoked_at": None,
            "reason": None,
            "position": at.position,
        },
    )


@device_certificates.on(Device.CertificatesRevoked)
def _revoked(event: Device.CertificatesRevoked, at: RecordedEvent) -> Iterator[Change]:
    revoked = {"revoked_at": event.timestamp, "reason": event.reason}
    for serial in event.serials:
        yield Update("device_certificates", {"serial": serial}, revoked)
