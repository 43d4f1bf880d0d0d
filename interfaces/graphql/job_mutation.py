"""Mutations that ask for work, and the one that stops it."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from application.commands.job import (
    MOST_ARTIFACTS,
    BenchmarkOrder,
    cancel_job,
    request_benchmark,
    request_optimization,
)
from application.commands.job_reproduction import reproduce_job
from application.views.job import JobRow
from domain.refusal import invalid
from interfaces.graphql.context import Info
from interfaces.graphql.job import Job
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import parsed_id
from interfaces.graphql.optimize_input import OptimizeInput
from interfaces.graphql.scalars import BigInt


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

    @mutation(
        JobPayload,
        "Does a finished optimization again. `result.reproduction` then says whether every file is "
        "the same byte for byte, and what differs if not. No artifacts are added.",
    )
    async def job_reproduce(
        self, info: Info, job_id: strawberry.ID, idempotency_key: str | None = None
    ) -> JobPayload:
        job = parsed_id("Job", job_id, "jobId")
        receipt = await carry_out(info, reproduce_job, idempotency_key, job_id=job)
        return await _shown(info, receipt.position, receipt.id)
