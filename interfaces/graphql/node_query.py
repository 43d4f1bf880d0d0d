"""Anything by its global id."""

from uuid import UUID

import strawberry

from application.views.dataset import DatasetRow
from application.views.job import JobRow
from application.views.model import ArtifactRow, ModelRow
from application.views.tenant import ApiKeyRow, TenantRow
from domain.principal import Role
from interfaces.graphql.artifact import Artifact
from interfaces.graphql.context import Info
from interfaces.graphql.dataset import Dataset
from interfaces.graphql.device_profile import profile_of
from interfaces.graphql.fields import nullable
from interfaces.graphql.job import Job
from interfaces.graphql.model import Model
from interfaces.graphql.node import Node, parsed_any_id
from interfaces.graphql.reading import read_of
from interfaces.graphql.tenant import ApiKey, Tenant


async def _read(info: Info, type_name: str, id: UUID) -> Node | None:
    match type_name:
        case "Model":
            return await read_of(info, Model, ModelRow, id)
        case "Artifact":
            return await read_of(info, Artifact, ArtifactRow, id)
        case "Job":
            return await read_of(info, Job, JobRow, id)
        case "Dataset":
            return await read_of(info, Dataset, DatasetRow, id)
        case "DeviceProfile":
            return await profile_of(info, id)
        case "Tenant":
            return await read_of(info, Tenant, TenantRow, id)
        case "ApiKey":
            may = info.context.caller.role.includes(Role.OWNER)
            return await read_of(info, ApiKey, ApiKeyRow, id) if may else None
        case _:
            return None


_TYPES = ("Model", "Artifact", "Job", "Dataset", "DeviceProfile", "Tenant", "ApiKey")


@strawberry.type
class NodeQuery:
    @nullable("Anything that has an id. For a bare UUID, every type is tried.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        type_name, found = parsed_any_id(id, "id")
        for name in _TYPES if type_name is None else (type_name,):
            if (node := await _read(info, name, found)) is not None:
                return node
        return None
