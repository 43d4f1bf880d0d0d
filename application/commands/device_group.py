"""Commands on device groups: saved queries over devices."""

from uuid import UUID

from application.commands.command import Receipt, Request, command, create_once, hash_of, load
from application.commands.device_profile import hardware_of
from application.commands.reservation import release_name, reserve_name
from application.platform import Platform
from domain.aggregate import Aggregate
from domain.device_group import DeviceGroup
from domain.device_query import DeviceQuery
from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import not_found

NAME_KIND = "device group"


@command(Role.OPERATOR)
def define_device_group(
    platform: Platform, request: Request, *, name: str, query: DeviceQuery
) -> Receipt:
    name, query = checked_name(name), checked_query(platform, query)
    group_id = request.new_id("deviceGroupDefine")
    hashed = hash_of(name=name, query=query)

    def make() -> tuple[Aggregate, ...]:
        group = DeviceGroup.define(group_id, name, query, hashed)
        return group, reserve_name(platform, request.tenant_id, NAME_KIND, name, group_id)

    return create_once(platform, DeviceGroup, group_id, hashed, make)


@command(Role.OPERATOR)
def revise_device_group(
    platform: Platform, request: Request, *, group_id: UUID, query: DeviceQuery
) -> Receipt:
    group = load(platform, DeviceGroup, group_id, "device group")
    if group.deleted:
        raise not_found("device group")
    group.revise(checked_query(platform, query))
    return Receipt(group_id, platform.log.save(group))


@command(Role.OPERATOR)
def delete_device_group(platform: Platform, request: Request, *, group_id: UUID) -> Receipt:
    group = load(platform, DeviceGroup, group_id, "device group")
    if group.deleted:
        return Receipt(group_id, platform.log.save(group))
    group.delete()
    name = release_name(platform, request.tenant_id, NAME_KIND, group.name, group_id)
    return Receipt(group_id, platform.log.save(group, name))


def checked_query(platform: Platform, query: DeviceQuery) -> DeviceQuery:
    """Raises Refusal naming the field, NOT_FOUND for a profile that is not here."""
    if query.profile_id is not None:
        hardware_of(platform, query.profile_id)
    return query.checked()
