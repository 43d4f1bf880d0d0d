"""What people see of models: versions, artifacts with their proof, and aliases."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Delete, Insert, Update, View
from domain.artifact import Artifact
from domain.model import Model, ModelStatus


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: UUID
    tenant_id: UUID
    name: str
    task: str
    status: str
    versions: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: int
    changed: int


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    id: UUID
    tenant_id: UUID
    model_id: UUID
    version: int
    variant: str
    format: str
    bytes: int
    files: list[dict[str, Any]]
    signature: dict[str, Any] | None
    upload_id: UUID | None
    job_id: UUID | None
    source_id: UUID | None
    passed: bool
    proof: dict[str, Any]
    created_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class AliasRow:
    model_id: UUID
    alias: str
    tenant_id: UUID
    artifact_id: UUID
    moved_at: datetime
    moved_by: str
    position: int


models = View(
    "models",
    {"models": ("id",), "artifacts": ("id",), "model_aliases": ("model_id", "alias")},
)


def _touch(event: Model.Event, at: RecordedEvent, **columns: Any) -> Update:
    touched = {"updated_at": event.timestamp, "changed": at.position, **columns}
    return Update("models", {"id": event.originator_id}, touched)


def _artifact(event: Model.Event, at: RecordedEvent, artifact: Artifact) -> Insert:
    return Insert(
        "artifacts",
        {
            "id": artifact.id,
            "tenant_id": at.tenant_id,
            "model_id": event.originator_id,
            "version": artifact.version,
            "variant": artifact.variant,
            "format": artifact.format,
            "bytes": artifact.bytes,
            "files": [asdict(file) for file in artifact.files],
            "signature": asdict(artifact.signature) if artifact.signature else None,
            "upload_id": artifact.origin.upload_id,
            "job_id": artifact.origin.job_id,
            "source_id": artifact.origin.source_id,
            "passed": artifact.passed,
            "proof": artifact.proof,
            "created_at": event.timestamp,
            "position": at.position,
        },
    )


@models.on(Model.Registered)
def _registered(event: Model.Registered, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "models",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            "task": event.task,
            "status": ModelStatus.ACTIVE,
            "versions": 0,
            "created_at": event.timestamp,
            "created_by": event.cause.actor,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@models.on(Model.VersionUploaded)
def _version_uploaded(event: Model.VersionUploaded, at: RecordedEvent) -> Iterator[Change]:
    yield _artifact(event, at, event.source)
    yield _touch(event, at, versions=event.number)


@models.on(Model.ArtifactAdded)
def _artifact_added(event: Model.ArtifactAdded, at: RecordedEvent) -> Iterator[Change]:
    yield _artifact(event, at, event.artifact)
    yield _touch(event, at)


@models.on(Model.ArtifactRemoved)
def _artifact_removed(event: Model.ArtifactRemoved, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("artifacts", {"id": event.artifact_id})
    yield _touch(event, at)


@models.on(Model.AliasMoved)
def _alias_moved(event: Model.AliasMoved, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "model_aliases",
        {
            "model_id": event.originator_id,
            "alias": event.alias,
            "tenant_id": at.tenant_id,
            "artifact_id": event.artifact_id,
            "moved_at": event.timestamp,
            "moved_by": event.cause.actor,
            "position": at.position,
        },
    )
    yield _touch(event, at)


@models.on(Model.AliasRemoved)
def _alias_removed(event: Model.AliasRemoved, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("model_aliases", {"model_id": event.originator_id, "alias": event.alias})
    yield _touch(event, at)


@models.on(Model.Archived)
def _archived(event: Model.Archived, at: RecordedEvent) -> Iterator[Change]:
    yield _touch(event, at, status=ModelStatus.ARCHIVED)


@models.on(Model.Restored)
def _restored(event: Model.Restored, at: RecordedEvent) -> Iterator[Change]:
    yield _touch(event, at, status=ModelStatus.ACTIVE)


@models.on(Model.Deleted)
def _deleted(event: Model.Deleted, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("model_aliases", {"model_id": event.originator_id})
    yield Delete("artifacts", {"model_id": event.originator_id})
    yield _touch(event, at, status=ModelStatus.DELETED)
