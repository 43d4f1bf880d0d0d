"""Commands on a tenant's own device profiles."""

from uuid import UUID

from application.commands.command import (
    Receipt,
    Request,
    command,
    create_once,
    hash_of,
    load,
)
from application.commands.reservation import release_name, reserve_name
from application.platform import Platform
from domain.aggregate import Aggregate
from domain.device_profile import TEMPLATES, DeviceProfile, Hardware
from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import not_found

NAME_KIND = "device profile"


@command(Role.OPERATOR)
def define_device_profile(
    platform: Platform, request: Request, *, name: str, hardware: Hardware
) -> Receipt:
    name = checked_name(name)
    profile_id = request.new_id("deviceProfileDefine")
    hashed = hash_of(name=name, hardware=hardware)

    def make() -> tuple[Aggregate, ...]:
        profile = DeviceProfile.define(profile_id, name, hardware, hashed)
        return profile, reserve_name(platform, request.tenant_id, NAME_KIND, name, profile_id)

    return create_once(platform, DeviceProfile, profile_id, hashed, make)


@command(Role.OPERATOR)
def revise_device_profile(
    platform: Platform, request: Request, *, profile_id: UUID, hardware: Hardware
) -> Receipt:
    profile = _live_profile(platform, profile_id)
    profile.revise(hardware)
    return Receipt(profile_id, platform.log.save(profile))


@command(Role.OPERATOR)
def delete_device_profile(platform: Platform, request: Request, *, profile_id: UUID) -> Receipt:
    profile = load(platform, DeviceProfile, profile_id, "device profile")
    if profile.deleted:
        return Receipt(profile_id, platform.log.save(profile))
    profile.delete()
    name = release_name(platform, request.tenant_id, NAME_KIND, profile.name, profile_id)
    return Receipt(profile_id, platform.log.save(profile, name))


def hardware_of(platform: Platform, profile_id: UUID) -> tuple[Hardware, str | None]:
    """The hardware of a template, or that of the tenant's own profile and the event that last
    described it; NOT_FOUND otherwise."""
    for template in TEMPLATES:
        if template.id == profile_id:
            return template.hardware, None
    profile = _live_profile(platform, profile_id, "deviceProfileId")
    return profile.hardware, profile.reference


def _live_profile(platform: Platform, profile_id: UUID, field: str = "id") -> DeviceProfile:
    profile = load(platform, DeviceProfile, profile_id, "device profile", field)
    if profile.deleted:
        raise not_found("device profile", field)
    return profile
