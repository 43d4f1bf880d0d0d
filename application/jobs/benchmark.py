"""The job that measures artifacts side by side."""

from collections.abc import Mapping
from typing import Any

from application.jobs.capability import Words, of_format
from application.jobs.kind import Work
from application.plain_json import from_json, to_json
from application.ports.engine import ModelFile
from domain.artifact import Artifact
from domain.benchmark import BenchmarkSpec

BENCHMARK = "benchmark"


def run_benchmark(work: Work) -> dict[str, Any]:
    """The result's `benchmarks` maps each artifact's id to what was measured."""
    artifacts = from_json(work.job.input["artifacts"], list[Artifact])
    files = {}
    for artifact in artifacts:
        path = work.scratch / f"{artifact.id}{artifact.format.suffix}"
        files[str(artifact.id)] = ModelFile(path, artifact.format)
        work.platform.blobs.checkout(work.tenant_id, artifact.files[0].sha256, path)
    spec = from_json(work.job.input["spec"], BenchmarkSpec)
    measured = work.platform.benchmarker.benchmark(files, spec, work.watch)
    return {"benchmarks": {artifact: to_json(result) for artifact, result in measured.items()}}


def benchmark_needs(job_input: Mapping[str, Any]) -> Words:
    """The format of each artifact."""
    return frozenset(of_format(artifact["format"]) for artifact in job_input["artifacts"])
