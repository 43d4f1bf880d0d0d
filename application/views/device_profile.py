"""What people see of device profiles: a tenant's own, and the built-in templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device_profile import DeviceProfile, Hardware


@dataclass(frozen=True, slots=True)
class DeviceProfileRow:
    id: UUID
    tenant_id: UUID
    name: str
    architecture: str
    cores: int
    memory_bytes: int
    runtimes: list[str]
    accelerators: list[str]
    deleted: bool
    created_at: datetime
    updated_at: datetime
    position: int
    changed: int


device_profiles = View("device_profiles", {"device_profiles": ("id",)})


def hardware_columns(hardware: Hardware) -> dict[str, Any]:
    """The hardware as columns."""
    return {
        "architecture": hardware.architecture,
        "cores": hardware.cores,
        "memory_bytes": hardware.memory_bytes,
        "runtimes": list(hardware.runtimes),
        "accelerators": list(hardware.accelerators),
    }


@device_profiles.on(DeviceProfile.Defined)
def _defined(event: DeviceProfile.Defined, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "device_profiles",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            **hardware_columns(event.hardware),
            "deleted": False,
            "created_at": event.timestamp,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@device_profiles.on(DeviceProfile.Revised)
def _revised(event: DeviceProfile.Revised, at: RecordedEvent) -> Iterator[Change]:
    columns = {**hardware_columns(event.hardware), "updated_at": event.timestamp}
    yield Update(
        "device_profiles",
        {"id": event.originator_id},
        {**columns, "changed": at.position},
    )


@device_profiles.on(DeviceProfile.Deleted)
def _deleted(event: DeviceProfile.Deleted, at: RecordedEvent) -> Iterator[Change]:
    yield Update(
        "device_profiles",
        {"id": event.originator_id},
        {"deleted": True, "updated_at": event.timestamp, "changed": at.position},
    )
