"""Who is meant by a rollout: its target, looked up now, without whom the release is not for."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.commands.command import load
from application.platform import Platform
from application.ports.rollouts import MeantDevice
from domain.device_group import DeviceGroup
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from domain.release import Compatibility
from domain.release_fit import misfit
from domain.rollout_plan import Target

MOST_DEVICES = 100_000
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Misfit:
    """A device that is in the target and left out, and why, in words."""

    device: MeantDevice
    why: str


@dataclass(frozen=True, slots=True)
class Meant:
    """In the order of their ids."""

    devices: tuple[MeantDevice, ...]
    left_out: tuple[Misfit, ...]

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(one.id for one in self.devices)


def meant_by(
    platform: Platform, tenant_id: UUID, target: Target, compatibility: Compatibility
) -> Meant:
    """Raises Refusal(NOT_FOUND) for a group or device that is not here."""
    found = _found(platform, tenant_id, target)
    fitting: list[MeantDevice] = []
    left_out: list[Misfit] = []
    for one in found:
        why = (
            "it is decommissioned"
            if one.decommissioned
            else misfit(compatibility, one.facts, one.agent, one.labels)
        )
        if why is None:
            fitting.append(one)
        else:
            left_out.append(Misfit(one, why))
    return Meant(tuple(fitting), tuple(left_out))


def require_all(target: Target, meant: Meant) -> None:
    """Raises Refusal naming the target, where devices that were named one by one are left out, or
    nobody is left."""
    if target.device_ids and meant.left_out:
        told = "; ".join(f"{one.device.name}: {one.why}" for one in meant.left_out[:MOST_NAMED])
        more = len(meant.left_out) - MOST_NAMED
        raise invalid(
            "target.deviceIds",
            f"The release is not for these devices: {told}"
            f"{f'; and {more} more' if more > 0 else ''}. Leave them out.",
        )
    if not meant.devices and meant.left_out:
        raise invalid(
            "target",
            f"None of the {len(meant.left_out):,} devices can take this release, such as "
            f"{meant.left_out[0].device.name}: {meant.left_out[0].why}. Change the target, or what "
            "it is compatible with.",
        )
    if not meant.devices:
        raise invalid("target", "No device is meant. Widen the target.")
    if len(meant.devices) > MOST_DEVICES:
        raise Refusal(
            RefusalCode.TOO_LARGE,
            f"{len(meant.devices):,} devices are meant; a rollout has {MOST_DEVICES:,} at most. "
            "Make several of it.",
            "target",
        )


def _found(platform: Platform, tenant_id: UUID, target: Target) -> Sequence[MeantDevice]:
    devices = platform.fleet.devices
    if target.query is not None:
        return devices.meant(tenant_id, target.query)
    if target.group_id is not None:
        group = load(platform, DeviceGroup, target.group_id, "device group", "target.deviceGroupId")
        if group.deleted:
            raise not_found("device group", "target.deviceGroupId")
        return devices.meant(tenant_id, group.query)
    wanted = set(target.device_ids)
    found = devices.named(tenant_id, wanted)
    missing = wanted - {one.id for one in found}
    if missing:
        raise Refusal(
            RefusalCode.NOT_FOUND,
            f"There is no device {min(missing)} here. Check the target.",
            "target.deviceIds",
        )
    return found
