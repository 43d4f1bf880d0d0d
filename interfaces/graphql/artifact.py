"""Artifacts: their files by signed links, their signature, and what benchmarks measured."""

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import anyio.to_thread
import strawberry
from strawberry.scalars import JSON

from application.as_of import Past
from application.commands.command import Request, require_flag
from application.ports.reads import Paging
from application.views.benchmark import BenchmarkRow
from application.views.model import ArtifactRow
from domain.evidence import Evidence
from domain.flag import Flag
from domain.model_format import ModelFormat
from domain.refusal import invalid, not_found
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, pair_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, all_at, moment_of, waited
from interfaces.graphql.scalars import BigInt

MOST_COMPARED = 50
strawberry.enum(Evidence)
strawberry.enum(ModelFormat)


@strawberry.type
class TensorSpec:
    name: str
    dtype: str
    shape: list[str]


@strawberry.type(description="What a model takes and gives, and what it is made of.")
class Signature:
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    parameters: BigInt | None
    opset: int | None
    operators: JSON

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Signature":
        return cls(
            inputs=[_tensor(spec) for spec in found["inputs"]],
            outputs=[_tensor(spec) for spec in found["outputs"]],
            parameters=found.get("parameters"),
            opset=found.get("opset"),
            operators=JSON(found.get("operators") or {}),
        )


def _tensor(spec: dict[str, Any]) -> TensorSpec:
    shape = [str(dimension) for dimension in spec["shape"]]
    return TensorSpec(name=spec["name"], dtype=spec["dtype"], shape=shape)


@strawberry.type
class ArtifactFile:
    path: str
    sha256: str
    bytes: BigInt

    @field("A URL that reads this file until it expires (seconds).")
    async def download_url(self, info: Info, expires_in: int = 900) -> str:
        context = info.context
        await anyio.to_thread.run_sync(
            partial(require_flag, context.platform, Request(context.caller), Flag.ARTIFACTS),
            limiter=context.limiter,
        )
        if not 1 <= expires_in <= 7 * 86_400:
            raise invalid("expiresIn", "A link lives at least 1 second and at most 7 days.")
        name = re.split(r"[/\\]", self.path)[-1]
        life = timedelta(seconds=expires_in)
        return context.downloads.link(context.tenant_id, self.sha256, name, life)


@strawberry.type(description="What one benchmark measured of one artifact.")
class Benchmark:
    id: strawberry.ID
    job_id: strawberry.ID
    artifact_id: strawberry.ID
    p50_ms: float
    p90_ms: float
    p99_ms: float
    throughput: float
    load_ms: float
    peak_memory_bytes: BigInt
    evidence: Evidence
    measured_at: datetime
    details: JSON

    @classmethod
    def of(cls, row: BenchmarkRow) -> "Benchmark":
        return cls(
            id=pair_id("Benchmark", row.job_id, row.artifact_id),
            job_id=global_id("Job", row.job_id),
            artifact_id=global_id("Artifact", row.artifact_id),
            p50_ms=row.p50_ms,
            p90_ms=row.p90_ms,
            p99_ms=row.p99_ms,
            throughput=row.throughput,
            load_ms=row.load_ms,
            peak_memory_bytes=BigInt(row.peak_memory_bytes),
            evidence=Evidence(row.evidence),
            measured_at=row.measured_at,
            details=JSON(row.details),
        )


@strawberry.type(description="One deployable form of a model version.")
class Artifact(Node):
    row: strawberry.Private[ArtifactRow]
    rows: strawberry.Private[Batched]
    model_id: strawberry.ID
    version: int
    variant: str
    format: ModelFormat
    bytes: BigInt
    passed: bool
    created_at: datetime
    position: BigInt
    files: list[ArtifactFile]
    signature: Signature | None
    source_id: strawberry.ID | None
    job_id: strawberry.ID | None
    proof: JSON

    @classmethod
    def of(cls, row: ArtifactRow, rows: Batched) -> "Artifact":
        return cls(
            row=row,
            rows=rows,
            id=global_id("Artifact", row.id),
            model_id=global_id("Model", row.model_id),
            version=row.version,
            variant=row.variant,
            format=ModelFormat(row.format),
            bytes=BigInt(row.bytes),
            passed=row.passed,
            created_at=row.created_at,
            position=BigInt(row.position),
            files=[
                ArtifactFile(path=file["path"], sha256=file["sha256"], bytes=file["bytes"])
                for file in row.files
            ],
            signature=Signature.of(row.signature) if row.signature else None,
            source_id=global_id("Artifact", row.source_id) if row.source_id else None,
            job_id=global_id("Job", row.job_id) if row.job_id else None,
            proof=JSON(row.proof),
        )

    @field("The latest one.")
    async def benchmark(self) -> Benchmark | None:
        page = await self.rows.page_of(BenchmarkRow, "artifact_id", self.row.id, Paging(1))
        return Benchmark.of(page.rows[0]) if page.rows else None

    @field()
    async def benchmarks(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[Benchmark]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.page_of(BenchmarkRow, "artifact_id", self.row.id, paging)
        return connection_of(page, Benchmark.of)


async def artifacts_at(info: Info, ids: list[UUID], until: int | None) -> Batched:
    """The rows to look for artifacts in: their models' alone, where those are still known."""
    present = info.context.present
    if until is None:
        return present
    await waited(info, until)
    held = await present.rows.find(ArtifactRow, "id", ids)
    if {row.id for row in held} < set(ids):
        return all_at(info, until)
    past = Past(present.reads, until)
    await past.fold({row.model_id for row in held})
    return Batched(past, until)


async def artifact_at(info: Info, id: UUID, moment: Moment | None) -> Artifact | None:
    """The artifact, now or as it was."""
    rows = await artifacts_at(info, [id], await moment_of(info, moment))
    row = await rows.one(ArtifactRow, id)
    return None if row is None else Artifact.of(row, rows)


@strawberry.type
class ArtifactQuery:
    @nullable()
    async def artifact(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Artifact | None:
        await waited(info, wait_for, "models")
        return await artifact_at(info, parsed_id("Artifact", id, "id"), as_of)

    @field("Artifacts side by side, in the order of their ids; at most 50.")
    async def artifacts(
        self,
        info: Info,
        ids: list[strawberry.ID],
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> list[Artifact]:
        if len(ids) > MOST_COMPARED:
            raise invalid("ids", f"At most {MOST_COMPARED} artifacts can be compared.")
        await waited(info, wait_for, "models")
        wanted = [parsed_id("Artifact", id, "ids") for id in ids]
        rows = await artifacts_at(info, wanted, await moment_of(info, as_of))
        found = {row.id: row for row in await rows.rows.find(ArtifactRow, "id", wanted)}
        if not found.keys() >= set(wanted):
            raise not_found("artifact", "ids")
        return [Artifact.of(found[id], rows) for id in wanted]
