"""What people see of the commands to devices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.device import Device
from domain.device_command import CommandStatus


@dataclass(frozen=True, slots=True)
class DeviceCommandRow:
    id: UUID
    tenant_id: UUID
    device_id: UUID
    kind: str
    arguments: dict[str, Any]
    status: str
    result: dict[str, Any] | None
    error: str | None
    sent_at: datetime
    sent_by: str
    expires_at: datetime
    ended_at: datetime | None
    position: int
    changed: int


device_commands = View("device_commands", {"device_commands": ("id",)})


@device_commands.on(Device.CommandSent)
def _sent(event: Device.CommandSent, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "device_commands",
        {
            "id": event.command_id,
            "tenant_id": at.tenant_id,
            "device_id": event.originator_id,
            "kind": event.kind,
            "arguments": event.arguments,
            "status": CommandStatus.SENT,
            "result": None,
            "error": None,
            "sent_at": event.timestamp,
            "sent_by": event.cause.actor,
            "expires_at": event.expires_at,
            "ended_at": None,
            "position": at.position,
            "changed": at.position,
        },
    )


@device_commands.on(Device.CommandAnswered)
def _answered(event: Device.CommandAnswered, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, event.status, result=event.result, error=event.error)


@device_commands.on(Device.CommandExpired)
def _expired(event: Device.CommandExpired, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, CommandStatus.EXPIRED)


def _ended(
    event: Device.CommandAnswered | Device.CommandExpired,
    at: RecordedEvent,
    status: CommandStatus,
    **columns: Any,
) -> Update:
    ended = {"status": status, "ended_at": event.timestamp, "changed": at.position}
    return Update("device_commands", {"id": event.command_id}, {**columns, **ended})
