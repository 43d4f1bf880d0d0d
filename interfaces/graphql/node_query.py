"""Anything by its global id."""

from uuid import UUID

import strawberry

from application.views.dataset import DatasetRow
from application.views.device import DeviceRow
from application.views.invitation import InvitationRow
from application.views.job import JobRow
from application.views.model import ModelRow
from application.views.rollout import RolloutRow
from application.views.tenant import ApiKeyRow, TenantRow
from application.views.update import UpdateRow
from domain.principal import Role
from interfaces.graphql.artifact import artifact_at
from interfaces.graphql.context import Info
from interfaces.graphql.dataset import Dataset
from interfaces.graphql.device import Device
from interfaces.graphql.device_claim import claim_at
from interfaces.graphql.device_command import command_at
from interfaces.graphql.device_group import group_at
from interfaces.graphql.device_profile import profile_of
from interfaces.graphql.fields import nullable
from interfaces.graphql.job import Job
from interfaces.graphql.member import invitation_of
from interfaces.graphql.model import Model
from interfaces.graphql.node import Node, parsed_any_id
from interfaces.graphql.reading import Moment, read_of, stream_at
from interfaces.graphql.rollout import Rollout
from interfaces.graphql.tenant import ApiKey, Tenant
from interfaces.graphql.update import Update


async def _read(info: Info, type_name: str, id: UUID, at: Moment | None) -> Node | None:
    match type_name:
        case "Model":
            return await read_of(info, Model, ModelRow, id, at)
        case "Artifact":
            return await artifact_at(info, id, at)
        case "Job":
            return await read_of(info, Job, JobRow, id, at)
        case "Dataset":
            return await read_of(info, Dataset, DatasetRow, id, at)
        case "DeviceProfile":
            return await profile_of(info, id, at)
        case "Device":
            return await read_of(info, Device, DeviceRow, id, at)
        case "DeviceCommand":
            return await command_at(info, str(id), at)
        case "DeviceGroup":
            return await group_at(info, id, at)
        case "Rollout":
            return await read_of(info, Rollout, RolloutRow, id, at)
        case "Update":
            return await read_of(info, Update, UpdateRow, id, at)
        case "DeviceClaim" if info.context.caller.role.includes(Role.OPERATOR):
            return await claim_at(info, str(id), at)
        case "Tenant":
            return await read_of(info, Tenant, TenantRow, id, at)
        case "ApiKey":
            if not info.context.caller.role.includes(Role.OWNER):
                return None
            return await read_of(info, ApiKey, ApiKeyRow, id, at, info.context.tenant_id)
        case "Invitation" if info.context.caller.role.includes(Role.OWNER):
            row = await (await stream_at(info, id, at)).one(InvitationRow, id)
            return None if row is None else await invitation_of(info, row)
        case _:
            return None


# An artifact of the past may have to be looked for in all of it: last.
_TYPES = (
    "Model",
    "Job",
    "Dataset",
    "DeviceProfile",
    "Device",
    "DeviceCommand",
    "DeviceGroup",
    "Rollout",
    "Update",
    "Tenant",
    "ApiKey",
    "Invitation",
    "DeviceClaim",
    "Artifact",
)


@strawberry.type
class NodeQuery:
    @nullable("Anything that has an id. For a bare UUID, every type is tried.")
    async def node(self, info: Info, id: strawberry.ID, as_of: Moment | None = None) -> Node | None:
        type_name, found = parsed_any_id(id, "id")
        for name in _TYPES if type_name is None else (type_name,):
            if (node := await _read(info, name, found, as_of)) is not None:
                return node
        return None
