"""Random histories of a tenant: commands in any order, as a person might give them.

Whatever the domain refuses simply does not happen, so every draw is a history that can be.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from application.ports.event_log import EventLog
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.cause import Cause, acting
from domain.dataset import Dataset, DatasetArray, DatasetPurpose, DatasetVersion
from domain.device_profile import Architecture, DeviceProfile, Hardware
from domain.flag import Flag
from domain.job import Failure, Fault, Job, OutdatedAttempt
from domain.model import Model, Task
from domain.model_format import ModelFormat
from domain.plan import Plan, QuotaKind
from domain.principal import Role
from domain.quota import WHOLE_LIFE, Quota
from domain.refusal import Refusal
from domain.signature import Signature, TensorSpec
from domain.tenant import Tenant

STEPS = st.lists(
    st.tuples(st.integers(0, 17), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25
)
"""Which command each, and on which of the things that there are."""
SIGNATURE = Signature(
    (TensorSpec("x\0y", "float32", ("batch", 4)),), (TensorSpec("y", "float32", (1,)),), 10, 17
)


class History:
    """A tenant in which things happen; `positions` are those after each command."""

    def __init__(self, log: EventLog) -> None:
        self.log, self.tenant_id = log, uuid4()
        self.positions: list[int] = []
        self._models: list[UUID] = []
        self._datasets: list[UUID] = []
        self._profiles: list[UUID] = []
        self._jobs: list[UUID] = []
        self._save(Tenant.register, self.tenant_id, "Acme", Plan.FREE, "")

    def happen(self, step: tuple[int, int, int]) -> None:
        """One command, saved, unless it is refused."""
        which, one, other = step
        commands: list[Callable[[int, int], None]] = [
            self._register_model, self._upload, self._add_artifact, self._move_alias,
            self._archive, self._delete_model, self._remove_artifact, self._dataset,
            self._dataset_version, self._delete_dataset, self._profile, self._revise,
            self._request, self._claim, self._end, self._cancel, self._key, self._plan,
        ]  # fmt: skip
        try:
            commands[which](one, other)
        except (Refusal, OutdatedAttempt):
            pass

    def _save(self, make: Callable[..., Any], *given: Any, **named: Any) -> Any:
        with acting(Cause(self.tenant_id, "key:test", "request:1", "1")):
            made = make(*given, **named)
            self.positions.append(self.log.save(made))
            return made

    def _change(self, kind: Any, ids: list[UUID], one: int, change: Callable[[Any], Any]) -> None:
        if not ids:
            return
        with acting(Cause(self.tenant_id, "key:test", "request:1", "1")):
            found = self.log.find(kind, ids[one % len(ids)])
            change(found)
            self.positions.append(self.log.save(found))

    def _register_model(self, one: int, other: int) -> None:
        made = self._save(Model.register, uuid4(), f"m{one}", list(Task)[other % 3], "")
        self._models.append(made.id)
        self._quota(lambda quota: quota.spend(made.id, f"{made.id}/1", Plan.FREE, None))

    def _upload(self, one: int, other: int) -> None:
        self._change(Model, self._models, one, lambda model: model.upload_version(
            _artifact(model.next_version, "source", Origin(upload_id=uuid4()))
        ))  # fmt: skip

    def _add_artifact(self, one: int, other: int) -> None:
        def add(model: Model) -> None:
            if model.versions:
                origin = Origin(job_id=uuid4(), source_id=model.versions[-1].source.id)
                model.add_artifact(_artifact(len(model.versions), "fp16", origin, other > 1))

        self._change(Model, self._models, one, add)

    def _move_alias(self, one: int, other: int) -> None:
        def move(model: Model) -> None:
            held = list(model.artifacts.values())
            if held:
                model.move_alias(f"a{other % 2}", held[other % len(held)].id)

        self._change(Model, self._models, one, move)

    def _archive(self, one: int, other: int) -> None:
        restoring = other % 2
        self._change(Model, self._models, one, lambda m: m.restore() if restoring else m.archive())

    def _delete_model(self, one: int, other: int) -> None:
        self._change(Model, self._models, one, lambda model: model.delete())
        if self._models:
            subject = self._models[one % len(self._models)]
            self._quota(lambda quota: quota.give_back(subject, "deleted"))

    def _remove_artifact(self, one: int, other: int) -> None:
        def remove(model: Model) -> None:
            held = list(model.artifacts.values())
            if held:
                model.remove_artifact(held[other % len(held)].id)

        self._change(Model, self._models, one, remove)

    def _dataset(self, one: int, other: int) -> None:
        purpose = list(DatasetPurpose)[other % 3]
        self._datasets.append(self._save(Dataset.register, uuid4(), f"d{one}", purpose, "").id)

    def _dataset_version(self, one: int, other: int) -> None:
        def upload(dataset: Dataset) -> None:
            array = DatasetArray("x", "float32", (8, 4), 0.0, 1.5)
            number = len(dataset.versions) + 1
            version = DatasetVersion(number, "ab" * 32, 10, 8, (array,), {"1": other}, uuid4())
            dataset.upload_version(version)

        self._change(Dataset, self._datasets, one, upload)

    def _delete_dataset(self, one: int, other: int) -> None:
        self._change(Dataset, self._datasets, one, lambda dataset: dataset.delete())

    def _profile(self, one: int, other: int) -> None:
        made = self._save(DeviceProfile.define, uuid4(), f"p{one}", _hardware(other + 1), "")
        self._profiles.append(made.id)

    def _revise(self, one: int, other: int) -> None:
        self._change(DeviceProfile, self._profiles, one, lambda profile: (
            profile.delete() if other > 3 else profile.revise(_hardware(other + 1))
        ))  # fmt: skip

    def _request(self, one: int, other: int) -> None:
        model = self._models[one % len(self._models)] if self._models else uuid4()
        kind = ("optimize", "benchmark")[other % 2]
        given = {"spec": {"level": 0.5}, "quota_id": str(uuid4())}
        self._jobs.append(self._save(Job.request, uuid4(), kind, model, given, "").id)

    def _claim(self, one: int, other: int) -> None:
        self._change(Job, self._jobs, one, lambda job: (
            job.start_stage(job.attempt, "measure") if other % 2 else job.claim("worker")
        ))  # fmt: skip

    def _end(self, one: int, other: int) -> None:
        failure = Failure("BROKEN", "It broke.\0", Fault.PLATFORM, other > 2)
        measured = {
            "p50_ms": 1.25, "p90_ms": 2.0, "p99_ms": 3.0, "throughput_per_s": 800.0,
            "load_ms": 5.5, "peak_memory_bytes": 2**33, "evidence": "MEASURED",
        }  # fmt: skip

        def end(job: Job) -> None:
            if other % 2:
                job.fail(job.attempt, failure, datetime.now(UTC))
            else:
                job.succeed(job.attempt, {"benchmarks": {str(uuid4()): measured}})

        self._change(Job, self._jobs, one, end)

    def _cancel(self, one: int, other: int) -> None:
        self._change(Job, self._jobs, one, lambda job: job.request_cancel())

    def _key(self, one: int, other: int) -> None:
        def change(tenant: Tenant) -> None:
            if other == 0 and tenant.keys:
                tenant.revoke_key(UUID(next(iter(tenant.keys))))
            else:
                tenant.issue_key(uuid4(), f"k{one}", Role.VIEWER, str(uuid4()))

        self._change(Tenant, [self.tenant_id], 0, change)

    def _plan(self, one: int, other: int) -> None:
        def change(tenant: Tenant) -> None:
            if other > 2:
                tenant.set_flag(list(Flag)[one % len(Flag)], (True, False, None)[other % 3])
            else:
                tenant.change_plan(list(Plan)[one % len(Plan)])

        self._change(Tenant, [self.tenant_id], 0, change)

    def _quota(self, change: Callable[[Quota], None]) -> None:
        with acting(Cause(self.tenant_id, "key:test", "request:1", "1")):
            stream = Quota.id_of(self.tenant_id, QuotaKind.MODELS, WHOLE_LIFE)
            quota = self.log.find(Quota, stream)
            quota = quota or Quota.open(self.tenant_id, QuotaKind.MODELS, WHOLE_LIFE)
            change(quota)
            self.positions.append(self.log.save(quota))


def _hardware(cores: int) -> Hardware:
    return Hardware(Architecture.X86_64, cores, 2**33, ("onnxruntime",), ())


def _artifact(version: int, variant: str, origin: Origin, passed: bool = True) -> Artifact:
    files = (ArtifactFile("model.onnx", "ab" * 32, 1_000),)
    return Artifact(
        uuid4(), version, variant, ModelFormat.ONNX, files, SIGNATURE, origin, passed, {"a\0": 0.25}
    )
