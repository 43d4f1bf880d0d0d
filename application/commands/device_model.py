"""Having a device run a model: what is desired of it names the artifact, its size and its hash."""

from uuid import UUID

from application.commands.command import Receipt, Request, command, load
from application.commands.device import device_of
from application.platform import Platform
from domain.model import Model
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode


@command(Role.OPERATOR)
def run_model(
    platform: Platform, request: Request, *, device_id: UUID, model_id: UUID, artifact_id: UUID
) -> Receipt:
    """The artifact must have met its gates, and be one file."""
    model = load(platform, Model, model_id, "artifact", "artifactId")
    artifact = model.artifact(artifact_id)
    if not artifact.passed:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The variant {artifact.variant} failed its gates and is kept for study only. "
            f"{artifact.why_failed}".strip(),
            "artifactId",
        )
    if len(artifact.files) != 1:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            "This artifact is made of several files, which the edge runtime does not run.",
            "artifactId",
        )
    (file,) = artifact.files
    device = device_of(platform, device_id)
    named = {
        "artifact": str(artifact.id),
        "name": f"{model.name}/{artifact.version}/{artifact.variant}",
        "format": str(artifact.format),
        "sha256": file.sha256,
        "bytes": file.bytes,
    }
    device.desire({"model": named}, None)
    return Receipt(device_id, platform.log.save(device))
