"""Commands on models."""

from uuid import UUID, uuid5

from application.commands.command import (
    Receipt,
    Request,
    command,
    create_once,
    hash_of,
    load,
)
from application.commands.reservation import (
    give_back,
    release_name,
    reserve_name,
    spend,
    tenant_of,
)
from application.commands.uploaded import uploaded_file
from application.platform import Platform
from application.ports.engine import Inspection
from domain.aggregate import Aggregate
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.cause import because_of
from domain.flag import Flag
from domain.model import Model, ModelStatus, Task
from domain.naming import checked_name
from domain.plan import QuotaKind
from domain.principal import Role
from domain.quota import WHOLE_LIFE, Quota
from domain.refusal import Refusal, RefusalCode, not_found
from domain.upload import Upload, UploadPurpose

NAME_KIND = "model"


@command(Role.OPERATOR, Flag.MODELS)
def register_model(platform: Platform, request: Request, *, name: str, task: Task) -> Receipt:
    """A new model, without versions yet."""
    name = checked_name(name)
    model_id, hashed = request.new_id("modelRegister"), hash_of(name=name, task=task)

    def make() -> tuple[Aggregate, ...]:
        model = Model.register(model_id, name, task, hashed)
        reservation = reserve_name(platform, request.tenant_id, NAME_KIND, name, model_id)
        quota = spend(platform, request.tenant_id, QuotaKind.MODELS, model_id, f"{model_id}/1")
        return model, reservation, quota

    return create_once(platform, Model, model_id, hashed, make)


def upload_version(
    platform: Platform, request: Request, *, model_id: UUID, upload_id: UUID
) -> Receipt:
    """The next version of a model, from a finished upload: inspected first, in isolation."""
    upload, inspection = _inspected(platform, request, model_id=model_id, upload_id=upload_id)
    return _add_version(platform, request, model_id=model_id, upload=upload, inspection=inspection)


@command(Role.OPERATOR, Flag.MODELS)
def _inspected(
    platform: Platform, request: Request, *, model_id: UUID, upload_id: UUID
) -> tuple[Upload, Inspection]:
    live_model(platform, model_id)
    largest = tenant_of(platform, request.tenant_id).limits.largest_model_bytes
    with uploaded_file(platform, request, upload_id, UploadPurpose.MODEL) as (
        upload,
        path,
    ):
        if upload.length > largest:
            raise Refusal(
                RefusalCode.TOO_LARGE,
                f"The file has {upload.length:,} bytes; the plan allows {largest:,}.",
                "uploadId",
            )
        return upload, platform.model_inspector.inspect(path)


@command(Role.OPERATOR, Flag.MODELS)
def _add_version(
    platform: Platform,
    request: Request,
    *,
    model_id: UUID,
    upload: Upload,
    inspection: Inspection,
) -> Receipt:
    model = live_model(platform, model_id)
    assert upload.sha256 is not None
    source = Artifact(
        id=uuid5(model_id, f"upload:{upload.id}"),
        version=model.next_version,
        variant="source",
        format=inspection.format,
        files=(ArtifactFile(upload.file_name, upload.sha256, upload.length),),
        signature=inspection.signature,
        origin=Origin(upload_id=upload.id),
    )
    model.upload_version(source)
    return Receipt(source.id, platform.log.save(model))


@command(Role.OPERATOR, Flag.ARTIFACTS)
def add_artifacts(
    platform: Platform, request: Request, *, model_id: UUID, artifacts: list[Artifact]
) -> Receipt:
    """The variants that a job made. Nothing happens where they are known or the model is gone."""
    model = load(platform, Model, model_id, "model")
    for artifact in artifacts:
        model.add_artifact(artifact)
    return Receipt(model_id, platform.log.save(model))


@command(Role.OPERATOR, Flag.ARTIFACTS)
def remove_artifact(
    platform: Platform, request: Request, *, model_id: UUID, artifact_id: UUID
) -> Receipt:
    model = live_model(platform, model_id, "modelId")
    model.remove_artifact(artifact_id)
    return Receipt(artifact_id, platform.log.save(model))


@command(Role.OPERATOR, Flag.MODELS)
def move_alias(
    platform: Platform,
    request: Request,
    *,
    model_id: UUID,
    alias: str,
    artifact_id: UUID,
) -> Receipt:
    model = live_model(platform, model_id)
    model.move_alias(alias, artifact_id)
    return Receipt(model_id, platform.log.save(model))


@command(Role.OPERATOR, Flag.MODELS)
def remove_alias(platform: Platform, request: Request, *, model_id: UUID, alias: str) -> Receipt:
    model = live_model(platform, model_id)
    model.remove_alias(alias)
    return Receipt(model_id, platform.log.save(model))


@command(Role.OPERATOR, Flag.MODELS)
def archive_model(platform: Platform, request: Request, *, model_id: UUID) -> Receipt:
    """Takes the model out of use; it does not count against the plan any more."""
    model = live_model(platform, model_id)
    model.archive()
    with because_of(model.reference):
        quota = give_back(platform, _models_quota(request.tenant_id), model_id, "archived")
    return Receipt(model_id, platform.log.save(*filter(None, (model, quota))))


@command(Role.OPERATOR, Flag.MODELS)
def restore_model(platform: Platform, request: Request, *, model_id: UUID) -> Receipt:
    """Takes an archived model back into use; it counts against the plan again."""
    model = live_model(platform, model_id)
    if model.status is ModelStatus.ACTIVE:
        return Receipt(model_id, platform.log.save(model))
    model.restore()
    quota = spend(platform, request.tenant_id, QuotaKind.MODELS, model_id, model.reference)
    return Receipt(model_id, platform.log.save(model, quota))


@command(Role.OPERATOR, Flag.MODELS)
def delete_model(platform: Platform, request: Request, *, model_id: UUID) -> Receipt:
    """Ends the model; its name is free again, its events remain."""
    model = load(platform, Model, model_id, "model")
    if model.status is ModelStatus.DELETED:
        return Receipt(model_id, platform.log.save(model))
    model.delete()
    with because_of(model.reference):
        quota = give_back(platform, _models_quota(request.tenant_id), model_id, "deleted")
    name = release_name(platform, request.tenant_id, NAME_KIND, model.name, model_id)
    return Receipt(model_id, platform.log.save(*filter(None, (model, name, quota))))


def live_model(platform: Platform, model_id: UUID, field: str = "id") -> Model:
    """The model, unless it is unknown here or deleted: then NOT_FOUND."""
    model = load(platform, Model, model_id, "model", field)
    if model.status is ModelStatus.DELETED:
        raise not_found("model", field)
    return model


def _models_quota(tenant_id: UUID) -> UUID:
    return Quota.id_of(tenant_id, QuotaKind.MODELS, WHOLE_LIFE)
