"""Commands to devices: what was asked, and what the device answered."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.views.device_command import DeviceCommandRow
from domain.device_command import CommandStatus
from domain.principal import Role
from domain.refusal import invalid
from edge.protocol.commands import CommandKind
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.reading import Moment, read_of, waited
from interfaces.graphql.scalars import BigInt

_SHA256 = re.compile("[0-9a-f]{64}")

strawberry.enum(CommandKind, name="DeviceCommandKind")
strawberry.enum(
    CommandStatus,
    name="DeviceCommandStatus",
    description="SENT: not answered yet. REFUSED: the device did not run it. EXPIRED: no answer"
    " came in time, whether or not it was run.",
)


@strawberry.type(description="The logs that a device uploaded when COLLECT_LOGS asked for them.")
class DeviceLogs:
    command_id: strawberry.Private[UUID]
    sha256: str
    bytes: BigInt

    @classmethod
    def of(cls, row: DeviceCommandRow) -> "DeviceLogs | None":
        """None where there are none, or the device's answer names none as it should."""
        answer = row.result or {}
        sha256, size = answer.get("sha256"), answer.get("bytes")
        if (row.kind, row.status) != (CommandKind.COLLECT_LOGS, CommandStatus.SUCCEEDED):
            return None
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or type(size) is not int:
            return None
        return cls(command_id=row.id, sha256=sha256, bytes=BigInt(size))

    @field("A URL that reads them until it expires (seconds). Needs the role OPERATOR.")
    async def download_url(self, info: Info, expires_in: int = 900) -> str:
        context = info.context
        context.caller.require(Role.OPERATOR)
        if not 1 <= expires_in <= 7 * 86_400:
            raise invalid("expiresIn", "A link lives at least 1 second and at most 7 days.")
        life, name = timedelta(seconds=expires_in), f"{self.command_id}.log"
        return context.downloads.link(context.tenant_id, self.sha256, name, life)


@strawberry.type(description="`result` is what the device answered; `error` why it failed.")
class DeviceCommand(Node):
    device_id: strawberry.ID
    kind: CommandKind
    arguments: JSON
    status: CommandStatus
    result: JSON | None
    logs: DeviceLogs | None
    error: str | None
    sent_at: datetime
    sent_by: str
    expires_at: datetime
    ended_at: datetime | None
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: DeviceCommandRow, rows: Batched) -> "DeviceCommand":
        return cls(
            id=global_id("DeviceCommand", row.id),
            device_id=global_id("Device", row.device_id),
            kind=CommandKind(row.kind),
            arguments=JSON(row.arguments),
            status=CommandStatus(row.status),
            result=None if row.result is None else JSON(row.result),
            logs=DeviceLogs.of(row),
            error=row.error,
            sent_at=row.sent_at,
            sent_by=row.sent_by,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )


async def command_at(info: Info, id: str, moment: Moment | None) -> DeviceCommand | None:
    """A command as it is or was: its events are its device's, of which the live table knows."""
    command = parsed_id("DeviceCommand", id, "id")
    known = await info.context.present.one(DeviceCommandRow, command)
    if known is None:
        return None
    stream = known.device_id
    return await read_of(info, DeviceCommand, DeviceCommandRow, command, moment, stream)


@strawberry.type
class DeviceCommandQuery:
    @nullable()
    async def device_command(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> DeviceCommand | None:
        await waited(info, wait_for, "device_commands")
        return await command_at(info, id, as_of)
