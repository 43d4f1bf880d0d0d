"""What people see of devices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device import Device
from domain.device_description import Description


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """`desired` and `reported` are JSON documents; `certificate_serial` is the newest one's, None
    where none is in force. `update_id` holds its one slot, for `updating_rollout_id`; what it runs
    is of the rollout `installed_by`."""

    id: UUID
    tenant_id: UUID
    claim_id: UUID
    name: str
    labels: dict[str, str]
    group_name: str | None
    profile_id: UUID | None
    facts: dict[str, Any]
    agent: str | None
    online: bool
    boot_id: UUID | None
    online_changed_at: datetime | None
    offline_reason: str | None
    desired: dict[str, Any]
    desired_version: int
    reported: dict[str, Any]
    reported_version: int
    certificate_serial: str | None
    certificate_expires_at: datetime | None
    decommissioned: bool
    registered_at: datetime
    updated_at: datetime
    position: int
    changed: int
    update_id: UUID | None = None
    updating_rollout_id: UUID | None = None
    installed_by: UUID | None = None


devices = View("devices", {"devices": ("id",)})


@devices.on(Device.Registered)
def _registered(event: Device.Registered, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "devices",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "claim_id": event.claim_id,
            **_described_as(event.description),
            "facts": event.facts,
            "agent": None,
            "online": False,
            "boot_id": None,
            "online_changed_at": None,
            "offline_reason": None,
            "desired": {},
            "desired_version": 0,
            "reported": {},
            "reported_version": 0,
            "certificate_serial": None,
            "certificate_expires_at": None,
            "decommissioned": False,
            "update_id": None,
            "updating_rollout_id": None,
            "installed_by": None,
            "registered_at": event.timestamp,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@devices.on(Device.Described)
def _described(event: Device.Described, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, **_described_as(event.description))


@devices.on(Device.CertificateIssued)
def _issued(event: Device.CertificateIssued, at: RecordedEvent) -> Iterator[Change]:
    issued = event.certificate
    yield _change(
        event, at, certificate_serial=issued.serial, certificate_expires_at=issued.not_after
    )


@devices.on(Device.CertificatesRevoked)
def _revoked(event: Device.CertificatesRevoked, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, certificate_serial=None, certificate_expires_at=None)


@devices.on(Device.CameOnline)
def _came_online(event: Device.CameOnline, at: RecordedEvent) -> Iterator[Change]:
    told = {"agent": event.agent, "facts": event.facts}
    yield _change(
        event,
        at,
        online=True,
        boot_id=event.boot_id,
        online_changed_at=event.timestamp,
        offline_reason=None,
        **{name: value for name, value in told.items() if value is not None},
    )


@devices.on(Device.WentOffline)
def _went_offline(event: Device.WentOffline, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        online=False,
        online_changed_at=event.timestamp,
        offline_reason=event.reason,
    )


@devices.on(Device.DesiredChanged)
def _desired(event: Device.DesiredChanged, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, desired=event.desired, desired_version=event.version)


@devices.on(Device.ReportedChanged)
def _reported(event: Device.ReportedChanged, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, reported=event.reported, reported_version=event.version)


@devices.on(Device.UpdateAssigned)
def _assigned(event: Device.UpdateAssigned, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, update_id=event.update_id, updating_rollout_id=event.rollout_id)


@devices.on(Device.UpdateCleared)
def _cleared(event: Device.UpdateCleared, at: RecordedEvent) -> Iterator[Change]:
    free = {"update_id": None, "updating_rollout_id": None}
    yield _change(event, at, installed_by=event.installed_by, **free)


@devices.on(Device.Decommissioned)
def _decommissioned(event: Device.Decommissioned, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, decommissioned=True)


def _described_as(description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
        "labels": description.labels,
        "group_name": description.group,
        "profile_id": description.profile_id,
    }


def _change(event: Device.Event, at: RecordedEvent, **columns: Any) -> Update:
    changed = {"updated_at": event.timestamp, "changed": at.position}
    return Update("devices", {"id": event.originator_id}, {**columns, **changed})
