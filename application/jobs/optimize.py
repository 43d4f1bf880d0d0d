"""The job that makes optimized variants of an artifact."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid5

from application.commands.reservation import tenant_of
from application.jobs.capability import Words, of_format, of_pass
from application.jobs.kind import Work
from application.plain_json import from_json, to_json
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.optimization import VariantResult
from domain.optimization_spec import OptimizationSpec

OPTIMIZE = "optimize"
AT_ONCE = 2
"""Variants that are inspected and stored side by side: each in a process of one thread."""


def run_optimization(work: Work) -> dict[str, Any]:
    """The result holds the engine's findings (`outcome`), the `artifacts` kept, and the names of
    variants that are larger than the plan's largest model and were not kept."""
    job_input = work.job.input
    source = from_json(job_input["artifact"], Artifact)
    made = work.scratch / "made"
    made.mkdir()
    outcome = work.platform.optimizer.optimize(
        source=_checkout(work, source.files[0].sha256, "source.onnx"),
        spec=from_json(job_input["spec"], OptimizationSpec),
        calibration=_data(work, "calibration"),
        evaluation=_data(work, "evaluation"),
        into=made,
        watch=work.watch,
    )
    files = [(variant, variant.file) for variant in outcome.variants if variant.file is not None]
    largest = tenant_of(work.platform, work.tenant_id).limits.largest_model_bytes
    with ThreadPoolExecutor(AT_ONCE) as pool:
        kept = [
            pool.submit(_artifact, work, source, variant, made / file.name)
            for variant, file in files
            if file.bytes <= largest
        ]
    artifacts = [artifact.result() for artifact in kept]
    too_large = [variant.name for variant, file in files if file.bytes > largest]
    result = {"outcome": outcome, "artifacts": artifacts, "too_large_for_plan": too_large}
    plain: dict[str, Any] = to_json(result)
    return plain


def optimization_needs(job_input: Mapping[str, Any]) -> Words:
    """The source's format, and each pass on it."""
    source = job_input["artifact"]["format"]
    passes = {of_pass(source, one) for one in job_input["spec"]["passes"]}
    return frozenset({of_format(source)} | passes)


def _artifact(work: Work, source: Artifact, variant: VariantResult, file: Path) -> Artifact:
    found = work.platform.model_inspector.inspect(file)
    ref = work.keep(file)
    return Artifact(
        id=uuid5(work.job.id, variant.name),
        version=source.version,
        variant=variant.name,
        format=found.format,
        files=(ArtifactFile(f"model-{variant.name}.onnx", ref.sha256, ref.bytes),),
        signature=found.signature,
        origin=Origin(job_id=work.job.id, source_id=source.id),
        passed=variant.passed,
        proof=to_json(variant),
    )


def _checkout(work: Work, sha256: str, name: str) -> Path:
    path = work.scratch / name
    work.platform.blobs.checkout(work.tenant_id, sha256, path)
    return path


def _data(work: Work, purpose: str) -> Path | None:
    data = work.job.input[purpose]
    return None if data is None else _checkout(work, data["sha256"], f"{purpose}.npz")
