"""An artifact: one deployable form of a model version, as a manifest of files.

The bytes live in the blob store under their sha256; the manifest says which path in the artifact
each has, and the origin says what the artifact was made from and by what.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.model_format import ModelFormat
from domain.signature import Signature


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file: its path inside the artifact, its sha256 (hexadecimal) and its size."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an artifact came from: an upload, or a job that read another artifact."""

    upload_id: UUID | None = None
    job_id: UUID | None = None
    source_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """`variant` is `source` for what was uploaded, else the pass that made it. `passed` tells
    whether it met its gates; `proof` is the measured comparison with its source."""

    id: UUID
    version: int
    variant: str
    format: ModelFormat
    files: tuple[ArtifactFile, ...]
    signature: Signature | None
    origin: Origin
    passed: bool = True
    proof: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def why_failed(self) -> str:
        """Each gate that it failed, and by how much; empty where its proof tells none."""
        gates = (self.proof.get("verdict") or {}).get("gates") or ()
        return " ".join(f"{gate['name']}: {gate['reason']}" for gate in gates if not gate["passed"])
