"""A model: its versions, their artifacts, and the aliases that say which one is in use.

A deleted model answers nothing more, and its name is free again; its events remain. Archived and
deleted models do not count against the plan.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.artifact import Artifact
from domain.refusal import Refusal, RefusalCode, invalid, not_found

ALIAS = re.compile(r"[a-z][a-z0-9-]{0,39}")


class ModelStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"


class Task(StrEnum):
    """What the model is for; it decides how accuracy is judged."""

    CLASSIFICATION = "CLASSIFICATION"
    DETECTION = "DETECTION"
    REGRESSION = "REGRESSION"
    SPEECH = "SPEECH"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version by its number (from 1) and the artifact that was uploaded for it."""

    number: int
    source: Artifact


class Model(Aggregate):
    """A registered model."""

    TOPIC = "model"
    name: str = field(init=False)
    task: Task = field(init=False)
    status: ModelStatus = field(init=False)
    versions: list[ModelVersion] = field(init=False, default_factory=list)
    artifacts: dict[str, Artifact] = field(init=False, default_factory=dict)
    aliases: dict[str, UUID] = field(init=False, default_factory=dict)

    class Event(Aggregate.Event):
        pass

    class Registered(Event, CreatedEvent):
        TOPIC = "model.registered"
        name: str
        task: Task

        def apply(self, aggregate: "Model") -> None:
            aggregate.name = self.name
            aggregate.task = self.task
            aggregate.status = ModelStatus.ACTIVE

    class VersionUploaded(Event):
        TOPIC = "model.version-uploaded"
        number: int
        source: Artifact

        def apply(self, aggregate: "Model") -> None:
            aggregate.versions.append(ModelVersion(self.number, self.source))
            aggregate.artifacts[str(self.source.id)] = self.source

    class ArtifactAdded(Event):
        TOPIC = "model.artifact-added"
        artifact: Artifact

        def apply(self, aggregate: "Model") -> None:
            aggregate.artifacts[str(self.artifact.id)] = self.artifact

    class ArtifactRemoved(Event):
        TOPIC = "model.artifact-removed"
        artifact_id: UUID

        def apply(self, aggregate: "Model") -> None:
            del aggregate.artifacts[str(self.artifact_id)]

    class AliasMoved(Event):
        TOPIC = "model.alias-moved"
        alias: str
        artifact_id: UUID
        previous_id: UUID | None

        def apply(self, aggregate: "Model") -> None:
            aggregate.aliases[self.alias] = self.artifact_id

    class AliasRemoved(Event):
        TOPIC = "model.alias-removed"
        alias: str

        def apply(self, aggregate: "Model") -> None:
            del aggregate.aliases[self.alias]

    class Archived(Event):
        TOPIC = "model.archived"

        def apply(self, aggregate: "Model") -> None:
            aggregate.status = ModelStatus.ARCHIVED

    class Restored(Event):
        TOPIC = "model.restored"

        def apply(self, aggregate: "Model") -> None:
            aggregate.status = ModelStatus.ACTIVE

    class Deleted(Event):
        TOPIC = "model.deleted"

        def apply(self, aggregate: "Model") -> None:
            aggregate.status = ModelStatus.DELETED

    @classmethod
    def register(cls, model_id: UUID, name: str, task: Task, request_hash: str) -> "Model":
        return cls._create(
            cls.Registered, id=model_id, request_hash=request_hash, name=name, task=task
        )

    def upload_version(self, source: Artifact) -> None:
        """Adds the next version. Repeating it with the same artifact id changes nothing."""
        if str(source.id) in self.artifacts:
            return
        self._require_active()
        if source.version != self.next_version:
            raise Refusal(
                RefusalCode.CONFLICT,
                f"Version {source.version} was taken meanwhile. Try again.",
            )
        self.trigger_event(Model.VersionUploaded, number=source.version, source=source)

    def add_artifact(self, artifact: Artifact) -> None:
        """Adds a variant. Does nothing when it is there already or the model is deleted: a job
        may end after its model."""
        if str(artifact.id) in self.artifacts or self.status is ModelStatus.DELETED:
            return
        self.trigger_event(Model.ArtifactAdded, artifact=artifact)

    def remove_artifact(self, artifact_id: UUID) -> None:
        artifact = self.artifact(artifact_id)
        if any(version.source.id == artifact.id for version in self.versions):
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "This artifact is what was uploaded. Delete or archive the model instead.",
            )
        holding = [alias for alias, target in self.aliases.items() if target == artifact_id]
        if holding:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The alias {holding[0]} points at this artifact. Move the alias first.",
            )
        self.trigger_event(Model.ArtifactRemoved, artifact_id=artifact_id)

    def move_alias(self, alias: str, artifact_id: UUID) -> None:
        """Points `alias` at an artifact that met its gates."""
        self._require_active()
        if not ALIAS.fullmatch(alias):
            raise invalid(
                "alias",
                "An alias is 1 to 40 of a-z, 0-9 and -, beginning with a letter.",
            )
        artifact = self.artifact(artifact_id)
        if not artifact.passed:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The variant {artifact.variant} failed its gates and is kept for study only. "
                f"{artifact.why_failed} Choose one that passed.".replace("  ", " "),
                "artifactId",
            )
        previous = self.aliases.get(alias)
        if previous != artifact_id:
            self.trigger_event(
                Model.AliasMoved,
                alias=alias,
                artifact_id=artifact_id,
                previous_id=previous,
            )

    def remove_alias(self, alias: str) -> None:
        if alias in self.aliases:
            self.trigger_event(Model.AliasRemoved, alias=alias)

    def archive(self) -> None:
        if self.status is ModelStatus.ACTIVE:
            self.trigger_event(Model.Archived)

    def restore(self) -> None:
        if self.status is ModelStatus.ARCHIVED:
            self.trigger_event(Model.Restored)

    def delete(self) -> None:
        if self.status is not ModelStatus.DELETED:
            self.trigger_event(Model.Deleted)

    @property
    def next_version(self) -> int:
        return len(self.versions) + 1

    def artifact(self, artifact_id: UUID) -> Artifact:
        """Raises Refusal(NOT_FOUND) when this model has no such artifact."""
        artifact = self.artifacts.get(str(artifact_id))
        if artifact is None:
            raise not_found("artifact", "artifactId")
        return artifact

    def _require_active(self) -> None:
        if self.status is not ModelStatus.ACTIVE:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The model “{self.name}” is {self.status.lower()}. Restore it first.",
            )
