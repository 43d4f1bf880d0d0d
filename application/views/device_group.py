"""What people see of device groups: what each asks, not who belongs to it now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device_group import DeviceGroup
from domain.device_query import DeviceQuery


@dataclass(frozen=True, slots=True)
class DeviceGroupRow:
    id: UUID
    tenant_id: UUID
    name: str
    labels: dict[str, str]
    online: bool | None
    group_name: str | None
    profile_id: UUID | None
    text: str | None
    deleted: bool
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: int
    changed: int

    @property
    def query(self) -> DeviceQuery:
        return DeviceQuery(self.labels, self.online, self.group_name, self.profile_id, self.text)


device_groups = View("device_groups", {"device_groups": ("id",)})


@device_groups.on(DeviceGroup.Defined)
def _defined(event: DeviceGroup.Defined, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "device_groups",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            **_columns(event.query),
            "deleted": False,
            "created_at": event.timestamp,
            "created_by": event.cause.actor,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@device_groups.on(DeviceGroup.Revised)
def _revised(event: DeviceGroup.Revised, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, **_columns(event.query))


@device_groups.on(DeviceGroup.Deleted)
def _deleted(event: DeviceGroup.Deleted, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, deleted=True)


def _columns(query: DeviceQuery) -> dict[str, Any]:
    return {
        "labels": query.labels,
        "online": query.online,
        "group_name": query.group,
        "profile_id": query.profile_id,
        "text": query.text,
    }


def _change(event: DeviceGroup.Event, at: RecordedEvent, **columns: Any) -> Update:
    changed = {"updated_at": event.timestamp, "changed": at.position}
    return Update("device_groups", {"id": event.originator_id}, {**columns, **changed})
