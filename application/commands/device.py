"""What people may do to a device."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.commands.command import Receipt, Request, command, load
from application.commands.device_profile import hardware_of
from application.commands.reservation import release_name, reserve_name
from application.platform import Platform
from domain.device import Device
from domain.device_description import Description
from domain.naming import Name, checked_name
from domain.principal import Role

NAME_KIND = "device"


@command(Role.OPERATOR)
def describe_device(
    platform: Platform,
    request: Request,
    *,
    device_id: UUID,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    group: str | None = None,
    leave_group: bool = False,
    profile_id: UUID | None = None,
    leave_profile: bool = False,
) -> Receipt:
    """Changes what is given. `labels` take the place of all that there were."""
    device = device_of(platform, device_id)
    before = device.description
    if profile_id is not None:
        hardware_of(platform, profile_id)
    device.describe(
        Description(
            before.name if name is None else name,
            before.labels if labels is None else dict(labels),
            None if leave_group else before.group if group is None else group,
            None if leave_profile else profile_id or before.profile_id,
        )
    )
    names: tuple[Name, ...] = ()
    if device.description.name.casefold() != before.name.casefold():
        names = (
            reserve_name(
                platform, request.tenant_id, NAME_KIND, device.description.name, device_id
            ),
            release_name(platform, request.tenant_id, NAME_KIND, before.name, device_id),
        )
    return Receipt(device_id, platform.log.save(device, *names))


@command(Role.OPERATOR)
def set_desired(
    platform: Platform,
    request: Request,
    *,
    device_id: UUID,
    patch: Mapping[str, Any],
    version: int | None = None,
) -> Receipt:
    """A merge patch of the desired document, from that version if one is given."""
    device = device_of(platform, device_id)
    device.desire(patch, version)
    return Receipt(device_id, platform.log.save(device))


@command(Role.OPERATOR)
def revoke_device_certificates(
    platform: Platform, request: Request, *, device_id: UUID, reason: str
) -> Receipt:
    """All that it has: it is cut off, and stays out until it joins with a new claim."""
    device = device_of(platform, device_id)
    device.revoke(None, checked_name(reason, "reason"))
    return Receipt(device_id, platform.log.save(device))


@command(Role.OPERATOR)
def decommission_device(platform: Platform, request: Request, *, device_id: UUID) -> Receipt:
    device = device_of(platform, device_id)
    if device.decommissioned:
        return Receipt(device_id, platform.log.save(device))
    device.decommission()
    name = release_name(platform, request.tenant_id, NAME_KIND, device.description.name, device_id)
    return Receipt(device_id, platform.log.save(device, name))


def device_of(platform: Platform, device_id: UUID, field: str = "deviceId") -> Device:
    """The device, or NOT_FOUND."""
    return load(platform, Device, device_id, "device", field)
