"""What people see of benchmarks: a row for each artifact that a benchmark job measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, View
from domain.job import Job


@dataclass(frozen=True, slots=True)
class BenchmarkRow:
    job_id: UUID
    artifact_id: UUID
    tenant_id: UUID
    model_id: UUID
    p50_ms: float
    p90_ms: float
    p99_ms: float
    throughput: float
    load_ms: float
    peak_memory_bytes: int
    evidence: str
    details: dict[str, Any]
    measured_at: datetime
    position: int


benchmarks = View("benchmarks", {"benchmarks": ("job_id", "artifact_id")})


@benchmarks.on(Job.Succeeded)
def _succeeded(event: Job.Succeeded, at: RecordedEvent) -> Iterator[Change]:
    for artifact_id, measured in event.result.get("benchmarks", {}).items():
        yield Insert(
            "benchmarks",
            {
                "job_id": event.originator_id,
                "artifact_id": UUID(artifact_id),
                "tenant_id": at.tenant_id,
                "model_id": event.model_id,
                "p50_ms": measured["p50_ms"],
                "p90_ms": measured["p90_ms"],
                "p99_ms": measured["p99_ms"],
                "throughput": measured["throughput_per_s"],
                "load_ms": measured["load_ms"],
                "peak_memory_bytes": measured["peak_memory_bytes"],
                "evidence": measured["evidence"],
                "details": measured,
                "measured_at": event.timestamp,
                "position": at.position,
            },
        )
