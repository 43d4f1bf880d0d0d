"""What is asked to be rolled out, made a release: files that are there, and settings that fit."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.commands.command import Request, load
from application.commands.upload import completed
from application.platform import Platform
from domain.artifact import Artifact, ArtifactFile
from domain.model import Model, ModelStatus
from domain.model_format import ModelFormat
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from domain.release import Compatibility, Component, ComponentKind, Release
from domain.release_fit import checked_compatibility
from domain.upload import UploadPurpose

ON_DEVICES = (ModelFormat.ONNX, ModelFormat.TFLITE)
"""What the edge runtime runs."""
MOST_FILES = 48
MOST_TOLD_BYTES = 20_000
"""Of an offer, which is one message (`edge.protocol.envelope.MOST_BYTES`)."""
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class ComponentOrder:
    """MODEL: an artifact of a model. FILES and FIRMWARE: finished uploads with the purpose RELEASE,
    by their file names. CONFIGURATION: settings as an object. `name` is by default its kind's."""

    kind: ComponentKind
    name: str | None = None
    model_id: UUID | None = None
    artifact_id: UUID | None = None
    upload_ids: tuple[UUID, ...] = ()
    configuration: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """`force` takes also an artifact that failed its gates."""

    components: tuple[ComponentOrder, ...]
    compatibility: Compatibility = field(default_factory=Compatibility)
    force: bool = False


def release_of(platform: Platform, request: Request, order: ReleaseOrder) -> Release:
    """Raises Refusal naming the field."""
    components = tuple(
        _component(platform, request, one, order.force, f"components.{place}")
        for place, one in enumerate(order.components)
    )
    release = Release(components, checked_compatibility(order.compatibility)).checked()
    if len(release.files) > MOST_FILES:
        raise invalid("components", f"Give at most {MOST_FILES} files. Put more into an archive.")
    told = json.dumps([(one.name, one.configuration) for one in components], default=str)
    if len(told) + 250 * len(release.files) > MOST_TOLD_BYTES:
        raise invalid("components", "The settings are too large to be offered. Put them in a file.")
    return release


def require_artifacts(platform: Platform, release: Release) -> None:
    """Raises Refusal(NOT_FOUND) where an artifact of it was deleted meanwhile."""
    for one in release.components:
        if one.model_id is not None and one.source_id is not None:
            artifact_of(platform, one.model_id, one.source_id, "rolloutId")


def artifact_of(platform: Platform, model_id: UUID, artifact_id: UUID, field: str) -> Artifact:
    """Raises Refusal(NOT_FOUND), saying that it was deleted where it was."""
    model = load(platform, Model, model_id, "artifact", field)
    artifact = model.artifacts.get(str(artifact_id))
    if artifact is None or model.status is ModelStatus.DELETED:
        if artifact is None and model.status is not ModelStatus.DELETED:
            raise not_found("artifact", field)
        raise Refusal(
            RefusalCode.NOT_FOUND,
            f"The model “{model.name}” was deleted with its artifacts. Choose another artifact.",
            field,
        )
    return artifact


def _component(
    platform: Platform, request: Request, order: ComponentOrder, force: bool, field: str
) -> Component:
    name = order.name if order.name is not None else order.kind.lower()
    if not _SAFE.fullmatch(name):
        raise invalid(
            f"{field}.name",
            "Use 1 to 100 letters, digits, dots, dashes and underscores; begin with a letter.",
        )
    match order.kind:
        case ComponentKind.MODEL:
            return _model(platform, order, name, force, field)
        case ComponentKind.CONFIGURATION:
            if order.configuration is None or order.upload_ids or order.artifact_id:
                raise invalid(f"{field}.configuration", "Give the settings as an object.")
            return Component(order.kind, name, configuration=_plain(order.configuration, field))
    if not order.upload_ids or order.artifact_id or order.configuration is not None:
        raise invalid(f"{field}.uploadIds", "Give the finished uploads of its files.")
    if order.kind is ComponentKind.FIRMWARE and len(order.upload_ids) != 1:
        raise invalid(f"{field}.uploadIds", "Firmware is one file. Give one upload.")
    files = tuple(_uploaded(platform, request, one, field) for one in order.upload_ids)
    if len({file.path for file in files}) < len(files):
        raise invalid(f"{field}.uploadIds", "Two files have the same name. Rename one.")
    return Component(order.kind, name, files)


def _model(
    platform: Platform, order: ComponentOrder, name: str, force: bool, field: str
) -> Component:
    where = f"{field}.artifactId"
    if order.model_id is None or order.artifact_id is None or order.upload_ids:
        raise invalid(where, "Name the model and its artifact.")
    artifact = artifact_of(platform, order.model_id, order.artifact_id, where)
    if not artifact.passed and not force:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The variant {artifact.variant} failed its gates and is kept for study only. "
            f"{artifact.why_failed} Choose one that passed, or force it.".replace("  ", " "),
            where,
        )
    if artifact.format not in ON_DEVICES:
        can = " and ".join(ON_DEVICES)
        raise invalid(where, f"Devices run {can}; this is {artifact.format}. Convert it first.")
    return Component(
        order.kind,
        name,
        _files(artifact, where),
        source_id=artifact.id,
        format=str(artifact.format),
        model_id=order.model_id,
    )


def _files(artifact: Artifact, field: str) -> tuple[ArtifactFile, ...]:
    """With names that a device takes: a single file's is its own matter."""
    if len(artifact.files) == 1:
        (only,) = artifact.files
        return (ArtifactFile(f"model{artifact.format.suffix}", only.sha256, only.bytes),)
    for file in artifact.files:
        if not all(_SAFE.fullmatch(part) for part in file.path.split("/")):
            raise invalid(
                field,
                f"Its file “{file.path[:80]}” has a name that devices do not take. Use letters, "
                "digits, dots, dashes and underscores.",
            )
    return artifact.files


def _uploaded(platform: Platform, request: Request, upload_id: UUID, field: str) -> ArtifactFile:
    where = f"{field}.uploadIds"
    try:
        upload = completed(platform.uploads, request.principal, upload_id)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, where) from refusal
    if upload.purpose is not UploadPurpose.RELEASE:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The upload was made for {upload.purpose}, not for RELEASE. Upload it again.",
            where,
        )
    if not _SAFE.fullmatch(upload.file_name):
        raise invalid(
            where,
            f"The file name “{upload.file_name[:80]}” is none that devices take. Use letters, "
            "digits, dots, dashes and underscores.",
        )
    assert upload.sha256 is not None
    return ArtifactFile(upload.file_name, upload.sha256, upload.length)


def _plain(configuration: Mapping[str, Any], field: str) -> dict[str, Any]:
    try:
        json.dumps(configuration, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise invalid(f"{field}.configuration", "Give plain JSON.") from None
    return dict(configuration)
