"""The golden file of a rollout: what the reference answers to a few inputs, run in the engine's
sandbox, kept as a blob. Doing it again gives the same file.
"""

import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from application.kept_blob import keep
from application.platform import Platform
from application.ports.blobs import BlobMissing
from application.ports.engine import ModelFile
from domain.artifact import Artifact, ArtifactFile
from domain.golden import SAMPLES, min_cosine
from domain.job import Job
from domain.release import GOLDEN, Golden


def make_golden(
    platform: Platform,
    tenant_id: UUID,
    artifact: Artifact,
    reference: Artifact,
    samples: int = SAMPLES,
) -> Golden:
    """What a device that runs `artifact` is judged by. `reference` is the source of its version,
    or another artifact that is known to be right.

    The inputs are rows of the data that the artifact was judged by when it was made, else of what
    it was calibrated with, else seeded random numbers. Blocks for as long as the reference runs.
    Raises EngineRefusal where it cannot be run, EngineCrashed, BlobMissing, Refusal(UNAVAILABLE).
    """
    with tempfile.TemporaryDirectory(dir=platform.scratch, prefix="golden-") as folder:
        model = Path(folder) / f"reference{reference.format.suffix}"
        platform.blobs.checkout(tenant_id, reference.files[0].sha256, model)
        found = platform.golden_maker.golden(
            ModelFile(model, reference.format),
            _data(platform, tenant_id, artifact, Path(folder) / "data.npz"),
            samples,
            Path(folder) / GOLDEN,
        )
        ref = keep(platform, tenant_id, Path(folder) / GOLDEN)
    return Golden(
        ArtifactFile(GOLDEN, ref.sha256, ref.bytes),
        found.samples,
        min_cosine(artifact.proof),
        reference.id,
    )


def _data(platform: Platform, tenant_id: UUID, artifact: Artifact, into: Path) -> Path | None:
    """A dataset that was deleted since is passed over."""
    job_id = artifact.origin.job_id
    made_by = None if job_id is None else platform.log.find(Job, job_id)
    if made_by is None or made_by.tenant_id != tenant_id:
        return None
    for purpose in ("evaluation", "calibration"):
        if data := made_by.input.get(purpose):
            with suppress(BlobMissing):
                platform.blobs.checkout(tenant_id, data["sha256"], into)
                return into
    return None
