"""Mutations on devices."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.commands.device import (
    decommission_device,
    describe_device,
    revoke_device_certificates,
    set_desired,
)
from application.commands.device_command import LONGEST, send_device_command
from application.views.device import DeviceRow
from application.views.device_command import DeviceCommandRow
from domain.refusal import invalid
from edge.protocol.commands import CommandKind
from interfaces.graphql.context import Info
from interfaces.graphql.device import Device
from interfaces.graphql.device_command import DeviceCommand
from interfaces.graphql.device_label import LabelInput, given_labels
from interfaces.graphql.device_profile import own_profile
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt

EXPIRES_IN = 60
"""Seconds that a command waits for its device and its answer, where nothing is said."""


@strawberry.type
class DevicePayload(Payload):
    device: Device | None = None


@strawberry.type
class DeviceCommandPayload(Payload):
    device_command: DeviceCommand | None = None


async def shown_device(info: Info, position: int, id: UUID) -> DevicePayload:
    device = await shown_after(info, position, Device, DeviceRow, id, "devices")
    return DevicePayload(device=device, event_position=BigInt(position))


@strawberry.type
class DeviceMutation:
    @mutation(
        DevicePayload,
        "Changes what is given: `labels` take the place of all that there were, a null `group` or"
        " `deviceProfileId` takes it away.",
    )
    async def device_describe(
        self,
        info: Info,
        device_id: strawberry.ID,
        name: str | None = None,
        labels: list[LabelInput] | None = None,
        group: str | None = strawberry.UNSET,
        device_profile_id: strawberry.ID | None = strawberry.UNSET,
    ) -> DevicePayload:
        id = _device(device_id)
        profile = None if device_profile_id is strawberry.UNSET else device_profile_id
        receipt = await carry_out(
            info,
            describe_device,
            device_id=id,
            name=name,
            labels=None if labels is None else given_labels(labels),
            group=None if group is strawberry.UNSET else group,
            leave_group=group is None,
            profile_id=None if profile is None else own_profile(profile),
            leave_profile=device_profile_id is None,
        )
        return await shown_device(info, receipt.position, id)

    @mutation(
        DevicePayload,
        "Changes the desired document by a merge patch (RFC 7396): null takes a member away. With"
        " `version`, only where the document has that version, else CONFLICT.",
    )
    async def device_twin_set(
        self, info: Info, device_id: strawberry.ID, patch: JSON, version: int | None = None
    ) -> DevicePayload:
        id, given = _device(device_id), _object("patch", patch)
        receipt = await carry_out(info, set_desired, device_id=id, patch=given, version=version)
        return await shown_device(info, receipt.position, id)

    @mutation(
        DeviceCommandPayload,
        "Sends a command; follow it with `deviceCommandProgressed`. `expiresIn` is in seconds: so"
        " long it waits for the device and its answer.",
    )
    async def device_command_send(
        self,
        info: Info,
        device_id: strawberry.ID,
        kind: CommandKind,
        arguments: JSON | None = None,
        expires_in: int = EXPIRES_IN,
        idempotency_key: str | None = None,
    ) -> DeviceCommandPayload:
        id = _device(device_id)
        given = {} if arguments is None else _object("arguments", arguments)
        receipt = await carry_out(
            info,
            send_device_command,
            idempotency_key,
            device_id=id,
            kind=kind,
            arguments=given,
            lifetime=lifetime("expiresIn", expires_in, LONGEST),
        )
        command = await shown_after(
            info,
            receipt.position,
            DeviceCommand,
            DeviceCommandRow,
            receipt.id,
            "device_commands",
            stream=id,
        )
        position = BigInt(receipt.position)
        return DeviceCommandPayload(device_command=command, event_position=position)

    @mutation(
        DevicePayload,
        "Revokes every certificate that the device has: it is cut off until it joins anew.",
    )
    async def device_certificates_revoke(
        self, info: Info, device_id: strawberry.ID, reason: str
    ) -> DevicePayload:
        id = _device(device_id)
        receipt = await carry_out(info, revoke_device_certificates, device_id=id, reason=reason)
        return await shown_device(info, receipt.position, id)

    @mutation(DevicePayload, "Ends the device for good: its name is free again, its events remain.")
    async def device_decommission(self, info: Info, device_id: strawberry.ID) -> DevicePayload:
        id = _device(device_id)
        receipt = await carry_out(info, decommission_device, device_id=id)
        return await shown_device(info, receipt.position, id)


def lifetime(field: str, seconds: int, longest: timedelta) -> timedelta:
    """Raises Refusal(INVALID) for what no time could hold; the command knows the rest."""
    if not 1 <= seconds <= longest.total_seconds():
        raise invalid(field, f"Give a time in seconds, up to {longest.days} days.")
    return timedelta(seconds=seconds)


def _object(field: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise invalid(field, "Give a JSON object.")
    return given


def _device(id: str) -> UUID:
    return parsed_id("Device", id, "deviceId")
