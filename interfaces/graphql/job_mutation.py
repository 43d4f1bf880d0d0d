"""Mutations that ask for work, and the one that stops it."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from application.commands.job import (
    MOST_ARTIFACTS,
    BenchmarkOrder,
    OptimizationOrder,
    cancel_job,
    request_benchmark,
    request_optimization,
)
from application.views.job import JobRow
from domain.optimization_spec import CalibrationMethod, Level, Pass
from domain.refusal import invalid
from interfaces.graphql.context import Info
from interfaces.graphql.job import Job
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt

strawberry.enum(Pass)
strawberry.enum(Level)
strawberry.enum(CalibrationMethod)


@strawberry.input(description="What is not given is chosen by `level`.")
class OptimizeInput:
    artifact_id: strawberry.ID | None = strawberry.field(
        default=None, description="The source of the latest version by default."
    )
    passes: list[Pass] | None = None
    level: Level = Level.BALANCED
    calibration_dataset_id: strawberry.ID | None = None
    evaluation_dataset_id: strawberry.ID | None = None
    max_drop: float = 0.01
    max_bytes: BigInt | None = strawberry.field(
        default=None, description="A variant that is larger fails its gate SIZE."
    )
    max_latency_ms: float | None = strawberry.field(
        default=None, description="A variant whose median run takes longer fails its gate LATENCY."
    )
    block_size: int = strawberry.field(
        default=32, description="How many weights share a scale in INT4: 16, 32, 64, 128 or 256."
    )
    calibration_method: CalibrationMethod = CalibrationMethod.MINMAX
    calibration_samples: int = strawberry.field(
        default=512, description="The most rows that are read."
    )
    calibration_percentile: float = strawberry.field(
        default=99.99, description="The share of values within the range, for PERCENTILE."
    )
    per_channel: bool = strawberry.field(
        default=True, description="A scale for each output channel of a weight, in INT8."
    )
    reduce_range: bool = strawberry.field(
        default=False, description="Weights of 7 bits in INT8, for x86 CPUs without VNNI."
    )
    device_profile_id: strawberry.ID | None = None

    def order(self) -> OptimizationOrder:
        return OptimizationOrder(
            artifact_id=_optional("Artifact", self.artifact_id, "artifactId"),
            passes=None if self.passes is None else tuple(dict.fromkeys(self.passes)),
            level=self.level,
            calibration_dataset_id=_optional(
                "Dataset", self.calibration_dataset_id, "calibrationDatasetId"
            ),
            evaluation_dataset_id=_optional(
                "Dataset", self.evaluation_dataset_id, "evaluationDatasetId"
            ),
            max_drop=self.max_drop,
            max_bytes=self.max_bytes,
            max_latency_ms=self.max_latency_ms,
            block_size=self.block_size,
            calibration_method=self.calibration_method,
            calibration_samples=self.calibration_samples,
            calibration_percentile=self.calibration_percentile,
            per_channel=self.per_channel,
            reduce_range=self.reduce_range,
            device_profile_id=_optional("DeviceProfile", self.device_profile_id, "deviceProfileId"),
        )


@strawberry.input(description="Artifacts of one model, measured side by side.")
class BenchmarkInput:
    artifact_ids: list[strawberry.ID]
    runs: int = 100
    warmup: int = 10
    threads: int | None = None
    batch: int = 1

    def order(self) -> BenchmarkOrder:
        return BenchmarkOrder(
            artifact_ids=_artifacts(self.artifact_ids),
            runs=self.runs,
            warmup=self.warmup,
            threads=self.threads,
            batch=self.batch,
        )


def _artifacts(ids: Sequence[str]) -> tuple[UUID, ...]:
    if not 1 <= len(ids) <= MOST_ARTIFACTS:
        raise invalid("artifactIds", f"Name 1 to {MOST_ARTIFACTS} artifacts.")
    return tuple(parsed_id("Artifact", id, "artifactIds") for id in ids)


def _optional(type_name: str, id: str | None, field: str) -> UUID | None:
    return None if id is None else parsed_id(type_name, id, field)


@strawberry.type
class JobPayload(Payload):
    job: Job | None = None


async def _shown(info: Info, position: int, job_id: UUID) -> JobPayload:
    job = await shown_after(info, position, Job, JobRow, job_id, "jobs")
    return JobPayload(job=job, event_position=BigInt(position))


@strawberry.type
class JobMutation:
    @mutation(JobPayload, "Optimizes one artifact of a model in the background.")
    async def model_optimize(
        self,
        info: Info,
        model_id: strawberry.ID,
        input: OptimizeInput,
        idempotency_key: str | None = None,
    ) -> JobPayload:
        model, order = parsed_id("Model", model_id, "modelId"), input.order()
        receipt = await carry_out(
            info, request_optimization, idempotency_key, model_id=model, order=order
        )
        return await _shown(info, receipt.position, receipt.id)

    @mutation(JobPayload, "Measures artifacts of one model side by side in the background.")
    async def model_benchmark(
        self,
        info: Info,
        model_id: strawberry.ID,
        input: BenchmarkInput,
        idempotency_key: str | None = None,
    ) -> JobPayload:
        model, order = parsed_id("Model", model_id, "modelId"), input.order()
        receipt = await carry_out(
            info, request_benchmark, idempotency_key, model_id=model, order=order
        )
        return await _shown(info, receipt.position, receipt.id)

    @mutation(JobPayload, "Stops a job; one that runs ends within seconds.")
    async def job_cancel(self, info: Info, job_id: strawberry.ID) -> JobPayload:
        job = parsed_id("Job", job_id, "jobId")
        receipt = await carry_out(info, cancel_job, job_id=job)
        return await _shown(info, receipt.position, job)
