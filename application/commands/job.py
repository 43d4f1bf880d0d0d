"""Commands on jobs: asking for an optimization or a benchmark, and cancelling.

Everything a worker will need is settled here and written into the job's input: which files, which
data, which settings. The job can then be understood, and done again, from its first event alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any
from uuid import UUID

from application.commands.command import (
    Receipt,
    Request,
    command,
    create_once,
    hash_of,
    load,
    require_flag,
)
from application.commands.dataset import live_dataset
from application.commands.device_profile import hardware_of
from application.commands.model import live_model
from application.commands.optimization_order import Chosen, OptimizationOrder, as_asked, chosen
from application.commands.reservation import spend
from application.commands.scoring import require_isolation, scorer_for
from application.jobs.kind import JobKind
from application.jobs.lacking import refusal_of
from application.jobs.registry import BENCHMARK_KIND, OPTIMIZE_KIND, needs_of
from application.plain_json import to_json
from application.platform import Platform
from domain.aggregate import Aggregate
from domain.artifact import Artifact
from domain.benchmark import BenchmarkSpec
from domain.dataset import DatasetVersion
from domain.dataset_fit import check_against
from domain.declared import formats, routes, targets
from domain.device_profile import Hardware
from domain.job import Job
from domain.model import Model
from domain.model_format import ModelFormat
from domain.optimization_spec import Calibration, OptimizationSpec
from domain.pass_declaration import Data
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from domain.scorer import Scorer, ScorerName

__all__ = ["BenchmarkOrder", "OptimizationOrder"]

MOST_ARTIFACTS = 10
ROUNDS = 3
"""In how many fresh processes the runs of a benchmark are made."""
REASONS = "reasons"
"""Where the job's input keeps what the hardware decided."""


@dataclass(frozen=True, slots=True)
class BenchmarkOrder:
    """Artifacts of one model to be measured side by side; `runs` in all for each of them."""

    artifact_ids: tuple[UUID, ...]
    runs: int = 100
    warmup: int = 10
    threads: int | None = None
    batch: int = 1


@command(Role.OPERATOR)
def request_optimization(
    platform: Platform, request: Request, *, model_id: UUID, order: OptimizationOrder
) -> Receipt:
    """Optimizes one artifact of a model in the background."""
    model = live_model(platform, model_id, "modelId")
    source = _source(model, order.artifact_id)
    if source.format not in formats() or source.signature is None:
        can = " or ".join(formats())
        raise invalid(
            "artifactId", f"Optimization starts from {can}; this is {source.format}. Upload that."
        )
    seen = _latest(platform, order.calibration_dataset_id, "calibrationDatasetId")
    judged_by = _latest(platform, order.evaluation_dataset_id, "evaluationDatasetId")
    scorer = scorer_for(order.scorer, model.task, judged_by)
    require_isolation(scorer, platform.offers())
    hardware, described_by = _hardware(platform, order.device_profile_id)
    choice = chosen(order, source, hardware, calibrated=seen is not None)
    spec = _spec(order, choice, source.format, scorer, calibrated=seen is not None)
    asked, passes = as_asked(order, spec, source.format, calibrated=seen is not None)
    job_input = {
        "artifact": to_json(source),
        "spec": {**_plain(asked), "passes": to_json(passes)},
        "calibration": _data(source, order.calibration_dataset_id, seen, "calibrationDatasetId"),
        "evaluation": _data(
            source, order.evaluation_dataset_id, judged_by, "evaluationDatasetId", scorer
        ),
        "hardware": to_json(hardware),
    }
    noted: dict[str, Any] = {"spec": _plain(spec)}
    if described_by:
        noted["device_profile"] = described_by
    if choice.reasons:
        noted[REASONS] = list(choice.reasons)
    field = "passes" if spec.target is None or order.passes else "target"
    return ask_for(platform, request, OPTIMIZE_KIND, model_id, job_input, field, noted)


@command(Role.OPERATOR)
def request_benchmark(
    platform: Platform, request: Request, *, model_id: UUID, order: BenchmarkOrder
) -> Receipt:
    """Measures artifacts of one model side by side in the background."""
    model = live_model(platform, model_id, "modelId")
    wanted = list(dict.fromkeys(order.artifact_ids))
    if not 1 <= len(wanted) <= MOST_ARTIFACTS:
        raise invalid("artifactIds", f"Name 1 to {MOST_ARTIFACTS} artifacts.")
    artifacts = [_of(model, artifact_id, "artifactIds") for artifact_id in wanted]
    still = [artifact.format for artifact in artifacts if not artifact.format.runs]
    if still:
        takes = f": it takes {still[0].hardware}" if still[0].hardware else ""
        raise invalid(
            "artifactIds", f"Nothing on a server runs {still[0]}{takes}. Leave that one out."
        )
    try:
        rounds = min(ROUNDS, max(1, order.runs))
        spec = BenchmarkSpec(
            runs=ceil(order.runs / rounds),
            rounds=rounds,
            warmup=order.warmup,
            threads=order.threads,
            batch=order.batch,
        )
    except ValueError as error:
        raise invalid(str(error).partition(":")[0], str(error)) from error
    job_input = {"artifacts": to_json(artifacts), "spec": to_json(spec)}
    return ask_for(platform, request, BENCHMARK_KIND, model_id, job_input, "artifactIds")


@command(Role.OPERATOR)
def cancel_job(platform: Platform, request: Request, *, job_id: UUID) -> Receipt:
    """Stops a job; one that runs ends within seconds."""
    job = load(platform, Job, job_id, "job")
    job.request_cancel()
    return Receipt(job_id, platform.log.save(job))


def ask_for(
    platform: Platform,
    request: Request,
    kind: JobKind,
    model_id: UUID,
    job_input: dict[str, Any],
    field: str,
    noted: Mapping[str, Any] = MappingProxyType({}),
) -> Receipt:
    """Requests a job of this kind and spends its unit of quota. Refuses one that no living worker
    can do, by `field`.

    `noted` is kept over the input, and is no part of what a repeated request must match."""
    require_flag(platform, request, kind.flag)
    job_id, hashed = (
        request.new_id(f"job:{kind.name}"),
        hash_of(model=model_id, **job_input),
    )

    def make() -> tuple[Aggregate, ...]:
        given = {**job_input, **noted}
        refusal = refusal_of(needs_of(kind.name, given), platform.offers(), field)
        if refusal is not None:
            raise refusal
        quota = spend(platform, request.tenant_id, kind.quota, job_id, f"{job_id}/1")
        given["quota_id"] = str(quota.id)
        return Job.request(job_id, kind.name, model_id, given, hashed), quota

    return create_once(platform, Job, job_id, hashed, make)


def _source(model: Model, artifact_id: UUID | None) -> Artifact:
    if artifact_id is not None:
        return _of(model, artifact_id, "artifactId")
    if not model.versions:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The model “{model.name}” has no version yet. Upload one first.",
            "modelId",
        )
    return model.versions[-1].source


def _of(model: Model, artifact_id: UUID, field: str) -> Artifact:
    artifact = model.artifacts.get(str(artifact_id))
    if artifact is None:
        raise not_found("artifact", field)
    return artifact


def _latest(platform: Platform, dataset_id: UUID | None, field: str) -> DatasetVersion | None:
    return None if dataset_id is None else live_dataset(platform, dataset_id, field).latest


def _data(
    source: Artifact,
    dataset_id: UUID | None,
    version: DatasetVersion | None,
    field: str,
    scorer: Scorer | None = None,
) -> dict[str, Any] | None:
    """A dataset's version that fits the model's inputs, as job input."""
    if version is None:
        return None
    assert source.signature is not None
    classes = scorer is None or scorer.name is ScorerName.CLASSIFICATION
    counts = version.label_counts if classes else None
    most_label = max(map(int, counts), default=None) if counts else None
    misfits = check_against(source.signature, version.arrays, most_label)
    if misfits:
        message = " ".join(misfit.message for misfit in misfits)
        raise Refusal(RefusalCode.DATASET_REFUSED, message, field)
    return {
        "dataset_id": str(dataset_id),
        "number": version.number,
        "sha256": version.sha256,
    }


def _spec(
    order: OptimizationOrder,
    choice: Chosen,
    format: ModelFormat,
    scorer: Scorer | None,
    *,
    calibrated: bool,
) -> OptimizationSpec:
    target = choice.target
    if target not in targets(format):
        can = ", ".join(targets(format))
        raise invalid("target", f"{format} becomes {can} here, not {target}.")
    known = {way.made_by.made_by: way for way in routes(format, target)}
    for wanted in order.passes or ():
        if wanted not in known:
            can, kind = ", ".join(known), format if target is format else f"{format} to {target}"
            raise invalid("passes", f"{wanted} is not done on {kind}. There are: {can}.")
    needy = [name for name, way in known.items() if way.calibration is Data.REQUIRED]
    tried = needy if order.passes is None and not choice.passes else choice.passes
    blind = [] if calibrated else [one for one in tried if one in needy]
    if blind:
        raise invalid(
            "calibrationDatasetId",
            f"{blind[0]} needs calibration data. Name a dataset with typical inputs.",
        )
    try:
        return OptimizationSpec(
            passes=choice.passes,
            level=order.level,
            max_drop=order.max_drop,
            max_bytes=choice.max_bytes,
            max_latency_ms=order.max_latency_ms,
            block_size=choice.block_size,
            calibration=Calibration(
                order.calibration_method, order.calibration_samples, order.calibration_percentile
            ),
            per_channel=choice.per_channel,
            reduce_range=choice.reduce_range,
            target=None if target is format else target,
            scorer=scorer,
        )
    except ValueError as error:
        raise invalid(str(error).partition(":")[0], str(error)) from error


def _plain(spec: OptimizationSpec) -> dict[str, Any]:
    """Settings that came later are left out at their defaults: a request that is repeated after
    an upgrade must have the hash that it had before."""
    plain: dict[str, Any] = to_json(spec)
    later = {
        "block_size": 32,
        "max_bytes": None,
        "max_latency_ms": None,
        "target": None,
        "scorer": None,
    }
    return {name: value for name, value in plain.items() if later.get(name, ...) != value}


def _hardware(platform: Platform, profile_id: UUID | None) -> tuple[Hardware | None, str | None]:
    return (None, None) if profile_id is None else hardware_of(platform, profile_id)
