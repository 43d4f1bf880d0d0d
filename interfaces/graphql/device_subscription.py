"""Devices live: one device, all of a tenant's, and one command until it has ended."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import strawberry

from application.as_of import EVENTS_AT_ONCE, Past
from application.ports.reads import EventRow
from application.views.device import DeviceRow, devices
from application.views.device_command import DeviceCommandRow, device_commands
from application.views.memory_tables import MemoryTables
from domain.device import Device as DeviceStream
from domain.device_command import CommandStatus
from domain.refusal import not_found
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.device import Device
from interfaces.graphql.device_command import DeviceCommand
from interfaces.graphql.event import Event
from interfaces.graphql.fields import subscription
from interfaces.graphql.following import appended, require_stream, start_of
from interfaces.graphql.mutating import caught_up
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt

_OF_A_DEVICE = frozenset((*devices.topics, *device_commands.topics))


@strawberry.type(description="An event of a device, and the device as that event left it.")
class DeviceChange:
    device: Device
    event: Event


class _Fleet:
    """Devices as they were at the last event that was looked at; each is read on from there."""

    def __init__(self, info: Info) -> None:
        self._reads = info.context.present.reads
        self._tables: dict[UUID, MemoryTables] = {}
        self._read: dict[UUID, int] = {}

    async def row(self, event: EventRow) -> DeviceRow:
        """The device as an event of its own left it. Positions must not fall."""
        stream, until = event.stream_id, event.position
        tables = self._tables.setdefault(stream, MemoryTables(devices))
        while (after := self._read.get(stream, 0)) < until:
            events = await self._reads.streams([stream], after, until, EVENTS_AT_ONCE)
            tables.fold(events)
            self._read[stream] = events[-1].position if len(events) == EVENTS_AT_ONCE else until
        row = DeviceRow(**tables.rows("devices")[0])
        if event.topic == DeviceStream.Decommissioned.TOPIC:
            del self._tables[stream], self._read[stream]
        return row


@strawberry.type
class DeviceSubscription:
    @subscription("Every change of a device; completes after it was decommissioned.")
    async def device_changed(
        self, info: Info, device_id: strawberry.ID, after: BigInt | None = None
    ) -> AsyncGenerator[DeviceChange, None]:
        stream = parsed_id("Device", device_id, "deviceId")
        await require_stream(info, stream, DeviceStream.Registered.TOPIC, "device", "deviceId")
        start = await start_of(info, after)
        past = Past(info.context.present.reads, until=start)
        await past.fold([stream])
        rows = Batched(past)
        row = await rows.one(DeviceRow, stream)
        if row is not None and row.decommissioned:
            return
        async with aclosing(appended(info, start, stream)) as events:
            async for event in events:
                await past.advance([stream], event.position)
                row = await rows.one(DeviceRow, stream)
                assert row is not None
                yield DeviceChange(device=Device.of(row, rows), event=Event.of(event))
                if event.topic == DeviceStream.Decommissioned.TOPIC:
                    return

    @subscription(
        "Every change of every device: it joined, came online, went offline, reports, answers."
        " `device` is as the event left it; what hangs on it is as it is now."
    )
    async def devices_changed(
        self, info: Info, after: BigInt | None = None
    ) -> AsyncGenerator[DeviceChange, None]:
        start, fleet = await start_of(info, after), _Fleet(info)
        async with aclosing(appended(info, start, None)) as events:
            async for event in events:
                if event.topic in _OF_A_DEVICE:
                    device = Device.of(await fleet.row(event), info.context.present)
                    yield DeviceChange(device=device, event=Event.of(event))

    @subscription("A command at each of its events; completes when it has ended.")
    async def device_command_progressed(
        self, info: Info, command_id: strawberry.ID, after: BigInt | None = None
    ) -> AsyncGenerator[DeviceCommand, None]:
        command = parsed_id("DeviceCommand", command_id, "commandId")
        stream = await _device_of(info, command)
        start = await start_of(info, after)
        past = Past(info.context.present.reads, until=start)
        await past.fold([stream])
        rows = Batched(past)
        row = await rows.one(DeviceCommandRow, command)
        if row is not None and row.status != CommandStatus.SENT:
            return
        async with aclosing(appended(info, start, stream)) as events:
            async for event in events:
                if event.data.get("command_id") != str(command):
                    continue
                await past.advance([stream], event.position)
                row = await rows.one(DeviceCommandRow, command)
                assert row is not None
                yield DeviceCommand.of(row, rows)
                if row.status != CommandStatus.SENT:
                    return


async def _device_of(info: Info, command: UUID) -> UUID:
    """The device that a command is for. Raises Refusal(NOT_FOUND)."""
    present = info.context.present
    row = await present.one(DeviceCommandRow, command)
    if row is None:
        # It may have been sent just now.
        await caught_up(info, await present.reads.head(), "device_commands")
        row = await present.one(DeviceCommandRow, command)
    if row is None:
        raise not_found("device command", "commandId")
    return row.device_id
