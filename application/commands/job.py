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
from application.commands.reservation import spend
from application.jobs.kind import JobKind
from application.jobs.registry import BENCHMARK_KIND, OPTIMIZE_KIND
from application.plain_json import to_json
from application.platform import Platform
from domain.aggregate import Aggregate
from domain.artifact import Artifact
from domain.benchmark import BenchmarkSpec
from domain.dataset import Dataset
from domain.dataset_fit import check_against
from domain.device_profile import Hardware
from domain.job import Job
from domain.model import Model
from domain.model_format import ModelFormat
from domain.optimization_spec import (
    PASSES_OF,
    Calibration,
    CalibrationMethod,
    Level,
    OptimizationSpec,
    Pass,
)
from domain.pass_declaration import DECLARATIONS, Data, formats
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, invalid, not_found

MOST_ARTIFACTS = 10
ROUNDS = 3
"""In how many fresh processes the runs of a benchmark are made."""


@dataclass(frozen=True, slots=True)
class OptimizationOrder:
    """What a user asks for; None stands for the default."""

    artifact_id: UUID | None = None
    passes: tuple[Pass, ...] | None = None
    level: Level = Level.BALANCED
    calibration_dataset_id: UUID | None = None
    evaluation_dataset_id: UUID | None = None
    max_drop: float = 0.01
    max_bytes: int | None = None
    max_latency_ms: float | None = None
    block_size: int = 32
    calibration_method: CalibrationMethod = CalibrationMethod.MINMAX
    calibration_samples: int = 512
    calibration_percentile: float = 99.99
    per_channel: bool = True
    reduce_range: bool = False
    device_profile_id: UUID | None = None


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
    calibration = _data(platform, source, order.calibration_dataset_id, "calibrationDatasetId")
    evaluation = _data(platform, source, order.evaluation_dataset_id, "evaluationDatasetId")
    spec = _spec(order, source.format, calibrated=calibration is not None)
    hardware, described_by = _hardware(platform, order.device_profile_id)
    job_input = {
        "artifact": to_json(source),
        "spec": _plain(spec),
        "calibration": calibration,
        "evaluation": evaluation,
        "hardware": to_json(hardware),
    }
    described = {"device_profile": described_by} if described_by else {}
    return _request(platform, request, OPTIMIZE_KIND, model_id, job_input, described)


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
    if any(artifact.format not in formats() for artifact in artifacts):
        raise invalid("artifactIds", f"Only {' and '.join(formats())} can be measured yet.")
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
    return _request(platform, request, BENCHMARK_KIND, model_id, job_input)


@command(Role.OPERATOR)
def cancel_job(platform: Platform, request: Request, *, job_id: UUID) -> Receipt:
    """Stops a job; one that runs ends within seconds."""
    job = load(platform, Job, job_id, "job")
    job.request_cancel()
    return Receipt(job_id, platform.log.save(job))


def _request(
    platform: Platform,
    request: Request,
    kind: JobKind,
    model_id: UUID,
    job_input: dict[str, Any],
    noted: Mapping[str, Any] = MappingProxyType({}),
) -> Receipt:
    """`noted` is kept with the input, and is no part of what a repeated request must match."""
    require_flag(platform, request, kind.flag)
    job_id, hashed = (
        request.new_id(f"job:{kind.name}"),
        hash_of(model=model_id, **job_input),
    )

    def make() -> tuple[Aggregate, ...]:
        quota = spend(platform, request.tenant_id, kind.quota, job_id, f"{job_id}/1")
        given = {**job_input, **noted, "quota_id": str(quota.id)}
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


def _data(
    platform: Platform, source: Artifact, dataset_id: UUID | None, field: str
) -> dict[str, Any] | None:
    """The latest version of a dataset that fits the model's inputs, as job input."""
    if dataset_id is None:
        return None
    dataset: Dataset = live_dataset(platform, dataset_id, field)
    version = dataset.latest
    assert source.signature is not None
    most_label = max(map(int, version.label_counts), default=None) if version.label_counts else None
    misfits = check_against(source.signature, version.arrays, most_label)
    if misfits:
        message = " ".join(misfit.message for misfit in misfits)
        raise Refusal(RefusalCode.DATASET_REFUSED, message, field)
    return {
        "dataset_id": str(dataset_id),
        "number": version.number,
        "sha256": version.sha256,
    }


def _spec(order: OptimizationOrder, format: ModelFormat, *, calibrated: bool) -> OptimizationSpec:
    known = {one.made_by: one for one in DECLARATIONS if one.format is format}
    for wanted in order.passes or ():
        if wanted not in known:
            can = ", ".join(known)
            raise invalid("passes", f"{wanted} is not done on {format}. There are: {can}.")
    needy = {one.made_by for one in known.values() if one.calibration is Data.REQUIRED}
    default = tuple(
        one for one in PASSES_OF[order.level] if one in known and (calibrated or one not in needy)
    )
    try:
        spec = OptimizationSpec(
            passes=order.passes if order.passes is not None else default,
            level=order.level,
            max_drop=order.max_drop,
            max_bytes=order.max_bytes,
            max_latency_ms=order.max_latency_ms,
            block_size=order.block_size,
            calibration=Calibration(
                order.calibration_method, order.calibration_samples, order.calibration_percentile
            ),
            per_channel=order.per_channel,
            reduce_range=order.reduce_range,
        )
    except ValueError as error:
        raise invalid(str(error).partition(":")[0], str(error)) from error
    blind = [] if calibrated else [one for one in spec.passes if one in needy]
    if blind:
        raise invalid(
            "calibrationDatasetId",
            f"{blind[0]} needs calibration data. Name a dataset with typical inputs.",
        )
    return spec


def _plain(spec: OptimizationSpec) -> dict[str, Any]:
    """Settings that came later are left out at their defaults: a request that is repeated after
    an upgrade must have the hash that it had before."""
    plain: dict[str, Any] = to_json(spec)
    later = {"block_size": 32, "max_bytes": None, "max_latency_ms": None}
    return {name: value for name, value in plain.items() if later.get(name, ...) != value}


def _hardware(platform: Platform, profile_id: UUID | None) -> tuple[Hardware | None, str | None]:
    return (None, None) if profile_id is None else hardware_of(platform, profile_id)
