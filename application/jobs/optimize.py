"""The job that makes optimized variants of an artifact."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from application.commands.reservation import tenant_of
from application.jobs.capability import ISOLATED, Words, of_format, of_pass, of_scorer
from application.jobs.kind import Work
from application.plain_json import from_json, to_json
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.job import Job
from domain.optimization import OptimizationResult, VariantResult
from domain.optimization_spec import OptimizationSpec
from domain.reproduction import reproduction
from domain.scorer import ScorerName

OPTIMIZE = "optimize"
REPRODUCES = "reproduces"
"""In the input of a job that does another one again: that one's id."""
AT_ONCE = 2
"""Variants that are inspected and stored side by side: each in a process of one thread."""


def run_optimization(work: Work) -> dict[str, Any]:
    """The result holds the engine's findings (`outcome`), the `artifacts` kept, and the names of
    variants that are larger than the plan's largest model and were not kept. A job that does
    another one again keeps no artifacts; its result has the comparison as `reproduction`."""
    job_input = work.job.input
    source = from_json(job_input["artifact"], Artifact)
    made = work.scratch / "made"
    made.mkdir()
    outcome = work.platform.optimizer.optimize(
        source=_checkout(work, source.files[0].sha256, f"source{source.format.suffix}"),
        spec=from_json(job_input["spec"], OptimizationSpec),
        calibration=_data(work, "calibration"),
        evaluation=_data(work, "evaluation"),
        into=made,
        watch=work.watch,
    )
    if REPRODUCES in job_input:
        return _compared(work, outcome)
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


def _compared(work: Work, outcome: OptimizationResult) -> dict[str, Any]:
    """The same result without artifacts, and with the comparison as `reproduction`."""
    of = UUID(work.job.input[REPRODUCES])
    then = work.platform.log.find(Job, of)
    assert then is not None
    assert then.result is not None
    compared = reproduction(of, from_json(then.result["outcome"], OptimizationResult), outcome)
    result = {"outcome": outcome, "artifacts": [], "too_large_for_plan": []}
    plain: dict[str, Any] = to_json({**result, "reproduction": compared})
    return plain


def optimization_needs(job_input: Mapping[str, Any]) -> Words:
    """The source's format, each pass from it to the target, and the scorer that judges."""
    source, target = job_input["artifact"]["format"], job_input["spec"].get("target")
    passes = {of_pass(source, one, target) for one in job_input["spec"]["passes"]}
    return frozenset({of_format(source)} | passes | _scoring_needs(job_input["spec"]))


def _scoring_needs(spec: Mapping[str, Any]) -> set[str]:
    scorer = spec.get("scorer")
    if scorer is None:
        return set()
    own = {ISOLATED} if scorer["name"] == ScorerName.CUSTOM else set()
    return {of_scorer(scorer["name"])} | own


def _artifact(work: Work, source: Artifact, variant: VariantResult, file: Path) -> Artifact:
    found = work.platform.model_inspector.inspect(file)
    ref = work.keep(file)
    return Artifact(
        id=uuid5(work.job.id, variant.name),
        version=source.version,
        variant=variant.name,
        format=found.format,
        files=(ArtifactFile(f"model-{variant.name}{found.format.suffix}", ref.sha256, ref.bytes),),
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
