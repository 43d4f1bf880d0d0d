"""Mutations on models and their artifacts."""

from uuid import UUID

import strawberry

from application.commands.model import (
    archive_model,
    delete_model,
    move_alias,
    register_model,
    remove_alias,
    remove_artifact,
    restore_model,
    upload_version,
)
from application.views.model import ArtifactRow, ModelRow
from domain.model import Task
from interfaces.graphql.artifact import Artifact
from interfaces.graphql.context import Info
from interfaces.graphql.model import Model
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt


@strawberry.type
class ModelPayload(Payload):
    model: Model | None = None


@strawberry.type
class ArtifactPayload(Payload):
    artifact: Artifact | None = None


async def _shown(info: Info, position: int, model_id: UUID) -> ModelPayload:
    model = await shown_after(info, position, Model, ModelRow, model_id, "models")
    return ModelPayload(model=model, event_position=BigInt(position))


@strawberry.type
class ModelMutation:
    @mutation(ModelPayload, "A new model, without versions yet.")
    async def model_register(
        self,
        info: Info,
        name: str,
        task: Task = Task.OTHER,
        idempotency_key: str | None = None,
    ) -> ModelPayload:
        receipt = await carry_out(info, register_model, idempotency_key, name=name, task=task)
        return await _shown(info, receipt.position, receipt.id)

    @mutation(ArtifactPayload, "The next version, from a finished upload: its source artifact.")
    async def model_version_upload(
        self, info: Info, model_id: strawberry.ID, upload_id: strawberry.ID
    ) -> ArtifactPayload:
        model = parsed_id("Model", model_id, "modelId")
        upload = parsed_id("Upload", upload_id, "uploadId")
        receipt = await carry_out(info, upload_version, model_id=model, upload_id=upload)
        position = receipt.position
        artifact = await shown_after(
            info, position, Artifact, ArtifactRow, receipt.id, "models", stream=model
        )
        return ArtifactPayload(artifact=artifact, event_position=BigInt(position))

    @mutation(ModelPayload, "Points an alias at an artifact that passed its gates.")
    async def model_alias_move(
        self, info: Info, model_id: strawberry.ID, alias: str, artifact_id: strawberry.ID
    ) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        artifact = parsed_id("Artifact", artifact_id, "artifactId")
        receipt = await carry_out(
            info, move_alias, model_id=model, alias=alias, artifact_id=artifact
        )
        return await _shown(info, receipt.position, model)

    @mutation(ModelPayload)
    async def model_alias_remove(
        self, info: Info, model_id: strawberry.ID, alias: str
    ) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        receipt = await carry_out(info, remove_alias, model_id=model, alias=alias)
        return await _shown(info, receipt.position, model)

    @mutation(ModelPayload, "Out of use; it does not count against the plan any more.")
    async def model_archive(self, info: Info, model_id: strawberry.ID) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        receipt = await carry_out(info, archive_model, model_id=model)
        return await _shown(info, receipt.position, model)

    @mutation(ModelPayload, "Back into use; it counts against the plan again.")
    async def model_restore(self, info: Info, model_id: strawberry.ID) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        receipt = await carry_out(info, restore_model, model_id=model)
        return await _shown(info, receipt.position, model)

    @mutation(ModelPayload, "Ends the model: `model` is null then; its events remain.")
    async def model_delete(self, info: Info, model_id: strawberry.ID) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        receipt = await carry_out(info, delete_model, model_id=model)
        return await _shown(info, receipt.position, model)

    @mutation(ModelPayload, "Removes a variant that no alias points at.")
    async def artifact_remove(
        self, info: Info, model_id: strawberry.ID, artifact_id: strawberry.ID
    ) -> ModelPayload:
        model = parsed_id("Model", model_id, "modelId")
        artifact = parsed_id("Artifact", artifact_id, "artifactId")
        receipt = await carry_out(info, remove_artifact, model_id=model, artifact_id=artifact)
        return await _shown(info, receipt.position, model)
