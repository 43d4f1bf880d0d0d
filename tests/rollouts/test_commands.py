"""What may be asked of a rollout, and what is refused with the field and the remedy."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.commands.command import Request
from application.commands.device import decommission_device, describe_device
from application.commands.device_group import define_device_group, delete_device_group
from application.commands.rollout import (
    approve_rollout,
    ask_rollout_approval,
    draft_rollout,
    dry_run_draft,
    dry_run_rollout,
    start_rollout,
)
from application.commands.rollout_control import (
    abort_rollout,
    force_update,
    pause_rollout,
    promote_rollout,
    resume_rollout,
    retry_updates,
)
from application.commands.rollout_order import ComponentOrder, ReleaseOrder
from application.commands.upload import UploadRequest, create
from application.commands.upload_stream import append
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.device_query import DeviceQuery
from domain.model import Model, Task
from domain.model_format import ModelFormat
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.release import Compatibility, ComponentKind
from domain.rollout_plan import Plan, Target, Wave
from domain.rollout_status import RolloutStatus, WavePhase
from domain.update_state import UpdateState
from edge.protocol.updates import Problem, Reported
from tests.contract.test_uploads import pieces
from tests.rollouts.conftest import ONE_BY_ONE, QUICK, RolloutWorld, configuration


def refused(act: Callable[[], Any]) -> tuple[RefusalCode, str | None, str]:
    with pytest.raises(Refusal) as found:
        act()
    return found.value.code, found.value.field, found.value.message


def another(fleet: RolloutWorld) -> Request:
    return Request(Principal(fleet.tenant, "key:another", Role.OPERATOR))


def model_with(fleet: RolloutWorld, format: ModelFormat, **more: Any) -> tuple[UUID, UUID]:
    """A model with one artifact, and that one's id."""
    model = Model.register(uuid4(), f"m{uuid4().hex[:6]}", Task.CLASSIFICATION, "")
    file = ArtifactFile("my model.onnx", "ab" * 32, 100)
    source = Artifact(uuid4(), 1, "source", format, (file,), None, Origin(), **more)
    model.upload_version(source)
    fleet.platform.log.save(model)
    return UUID(str(model.id)), source.id


def of_model(model: UUID, artifact: UUID, **more: Any) -> ReleaseOrder:
    order = ComponentOrder(ComponentKind.MODEL, model_id=model, artifact_id=artifact)
    return ReleaseOrder((order,), **more)


def draft(fleet: RolloutWorld, release: ReleaseOrder, target: Target | None = None) -> UUID:
    return draft_rollout(
        fleet.platform,
        fleet.request(),
        name="summer",
        release=release,
        target=target or Target(query=DeviceQuery()),
        plan=QUICK,
    ).id


def test_the_same_draft_under_one_key_is_one_rollout(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    first = fleet.drafted([device], key="k")
    assert fleet.drafted([device], key="k") == first
    code, field, _ = refused(lambda: fleet.drafted([device], settings={"rate": 2}, key="k"))
    assert (code, field) == (RefusalCode.IDEMPOTENCY_MISMATCH, "idempotencyKey")


def test_a_model_goes_out_as_one_file_with_a_name_that_devices_take(fleet: RolloutWorld) -> None:
    model, artifact = model_with(fleet, ModelFormat.ONNX)
    rollout = fleet.rollout(draft(fleet, of_model(model, artifact)))
    (component,) = rollout.release.components
    assert component.files == (ArtifactFile("model.onnx", "ab" * 32, 100),)
    assert (component.model_id, component.source_id) == (model, artifact)


def test_an_artifact_that_failed_its_gates_goes_out_by_force_alone(fleet: RolloutWorld) -> None:
    model, artifact = model_with(fleet, ModelFormat.TFLITE, passed=False)
    code, field, _ = refused(lambda: draft(fleet, of_model(model, artifact)))
    assert (code, field) == (RefusalCode.INVALID_STATE, "components.0.artifactId")
    assert draft(fleet, of_model(model, artifact, force=True))


def test_a_format_that_devices_do_not_run_is_refused(fleet: RolloutWorld) -> None:
    model, artifact = model_with(fleet, ModelFormat.GGUF)
    code, field, message = refused(lambda: draft(fleet, of_model(model, artifact)))
    assert (code, field) == (RefusalCode.INVALID, "components.0.artifactId")
    assert "ONNX and TFLITE" in message


def test_a_deleted_artifact_is_refused_at_the_draft_and_at_the_approval(
    fleet: RolloutWorld,
) -> None:
    model, artifact = model_with(fleet, ModelFormat.ONNX)
    fleet.devices(1)
    id = draft(fleet, of_model(model, artifact))
    found = fleet.platform.log.find(Model, model)
    assert found is not None
    found.delete()
    fleet.platform.log.save(found)
    code, field, message = refused(lambda: draft(fleet, of_model(model, artifact)))
    assert (code, field) == (RefusalCode.NOT_FOUND, "components.0.artifactId")
    assert "was deleted" in message
    code, field, _ = refused(lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=id))
    assert (code, field) == (RefusalCode.NOT_FOUND, "rolloutId")
    assert fleet.rollout(id).status is RolloutStatus.DRAFT


def test_files_come_from_finished_uploads_for_releases(fleet: RolloutWorld) -> None:
    uploads, principal = fleet.platform.uploads, fleet.request().principal
    made = create(uploads, principal, UploadRequest(4, "boot.bin", "release"))
    order = ReleaseOrder((ComponentOrder(ComponentKind.FIRMWARE, upload_ids=(made.id,)),))
    code, field, _ = refused(lambda: draft(fleet, order))
    assert (code, field) == (RefusalCode.INVALID_STATE, "components.0.uploadIds")
    asyncio.run(append(uploads, principal, made.id, 0, pieces(b"boot")))
    (component,) = fleet.rollout(draft(fleet, order)).release.components
    sha256 = hashlib.sha256(b"boot").hexdigest()
    assert component.files == (ArtifactFile("boot.bin", sha256, 4),)
    other = create(uploads, principal, UploadRequest(4, "x.npz", "dataset"))
    asyncio.run(append(uploads, principal, other.id, 0, pieces(b"data")))
    wrong = ReleaseOrder((ComponentOrder(ComponentKind.FILES, upload_ids=(other.id,)),))
    assert "not for RELEASE" in refused(lambda: draft(fleet, wrong))[2]


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (Target(), "target"),
        (Target(query=DeviceQuery(text="nowhere")), "target"),
        (Target(device_ids=(uuid4(),)), "target.deviceIds"),
        (Target(group_id=uuid4()), "target.deviceGroupId"),
    ],
)
def test_a_target_that_means_nobody_is_refused(
    fleet: RolloutWorld, target: Target, field: str
) -> None:
    fleet.devices(1)

    def act() -> None:
        id = draft(fleet, configuration(rate=1), target)
        start_rollout(fleet.platform, fleet.request(), rollout_id=id)

    assert refused(act)[1] == field


def test_a_group_that_was_deleted_means_nobody(fleet: RolloutWorld) -> None:
    fleet.devices(1)
    group = define_device_group(fleet.platform, fleet.request(), name="g", query=DeviceQuery()).id
    id = draft(fleet, configuration(rate=1), Target(group_id=group))
    delete_device_group(fleet.platform, fleet.request(), group_id=group)
    code, field, _ = refused(lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=id))
    assert (code, field) == (RefusalCode.NOT_FOUND, "target.deviceGroupId")


def test_devices_that_cannot_take_it_are_left_out_of_a_query_and_refused_by_name(
    fleet: RolloutWorld,
) -> None:
    berlin, rome = fleet.devices(2)
    for device, site in ((berlin, "berlin"), (rome, "rome")):
        describe_device(
            fleet.platform,
            fleet.request(),
            device_id=device.address.device,
            labels={"site": site},
        )
    fleet.catch_up()
    release = replace(configuration(rate=1), compatibility=Compatibility(labels={"site": "rome"}))
    id = draft(fleet, release)
    start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    fleet.settle()
    assert berlin.asks() is None
    assert rome.offered().rollout == id
    named = Target(device_ids=(berlin.address.device, rome.address.device))
    wrong = draft(fleet, release, named)
    code, field, message = refused(
        lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=wrong)
    )
    assert (code, field) == (RefusalCode.INVALID, "target.deviceIds")
    assert berlin.now.description.name in message
    assert "site is berlin, not rome" in message
    nobody = replace(release, compatibility=Compatibility(labels={"site": "paris"}))
    alone = draft(fleet, nobody)
    assert "None of the 2 devices" in refused(
        lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=alone)
    )[2]  # fmt: skip


def test_a_decommissioned_device_is_no_target(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.drafted([device])
    decommission_device(fleet.platform, fleet.request(), device_id=device.address.device)
    fleet.catch_up()
    code, field, message = refused(
        lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    )
    assert (code, field) == (RefusalCode.INVALID, "target.deviceIds")
    assert "decommissioned" in message


def test_the_author_does_not_approve_what_needs_approval(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.drafted([device], replace(QUICK, needs_approval=True))
    assert refused(
        lambda: start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    )[0] is RefusalCode.FORBIDDEN  # fmt: skip
    ask_rollout_approval(fleet.platform, fleet.request(), rollout_id=id)
    code, field, _ = refused(
        lambda: approve_rollout(fleet.platform, fleet.request(), rollout_id=id)
    )
    assert (code, field) == (RefusalCode.FORBIDDEN, "rolloutId")
    approve_rollout(fleet.platform, another(fleet), rollout_id=id)
    fleet.settle()
    assert device.offered().rollout == id


def test_who_is_meant_is_fixed_at_the_approval(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = draft(fleet, configuration(rate=1))
    start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    fleet.settle()
    (late,) = fleet.devices(1)
    fleet.wake(id)
    assert late.asks() is None
    device.installs()
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED


def test_a_dynamic_target_takes_in_who_comes_to_be_meant(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    plan = replace(QUICK, soak_seconds=3_600)
    id = draft_rollout(
        fleet.platform,
        fleet.request(),
        name="summer",
        release=configuration(rate=1),
        target=Target(query=DeviceQuery(), dynamic=True),
        plan=plan,
    ).id
    start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    fleet.settle()
    (late,) = fleet.devices(1)
    fleet.wake(id)
    assert late.offered().rollout == id
    device.installs()


def test_it_starts_at_the_time_of_its_plan(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    later = datetime.now(UTC) + timedelta(hours=1)
    id = fleet.started([device], replace(QUICK, starts_at=later))
    assert fleet.rollout(id).is_prepared
    assert device.asks() is None
    (row,) = fleet.ask("SELECT available_at > now() + interval '50 s' AS later FROM outbox"
                       " WHERE kind = 'rollout'")  # fmt: skip
    assert row["later"]


def test_paused_it_offers_nothing_and_resumed_it_goes_on(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    id = fleet.started(devices, Plan(waves=ONE_BY_ONE, soak_seconds=0.0))
    pause_rollout(fleet.platform, fleet.request(), rollout_id=id, message="lunch")
    fleet.settle()
    (first,) = [one for one in devices if one.asks() is not None]
    first.installs()
    fleet.settle()
    (second,) = [one for one in devices if one is not first]
    assert second.asks() is None
    resume_rollout(fleet.platform, fleet.request(), rollout_id=id)
    fleet.settle()
    second.installs()
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED


def test_a_wave_is_promoted_by_hand_where_the_plan_says_so(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    id = fleet.started(devices, Plan(waves=ONE_BY_ONE, soak_seconds=0.0, automatic=False))
    (first,) = [one for one in devices if one.asks() is not None]
    first.installs()
    fleet.settle()
    assert fleet.rollout(id).phase is WavePhase.DECIDING
    promote_rollout(fleet.platform, fleet.request(), rollout_id=id)
    fleet.settle()
    assert fleet.rollout(id).wave == 2


def test_an_abort_keeps_what_is_installed_and_calls_back_what_is_not(fleet: RolloutWorld) -> None:
    devices = fleet.devices(3)
    id = fleet.started(devices)
    devices[0].installs()
    offer = devices[1].offered()
    devices[1].reports(offer, Reported.DOWNLOADING)
    abort_rollout(fleet.platform, fleet.request(), rollout_id=id, revert=False)
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.ABORTED
    states = [fleet.update(id, one).state for one in devices]
    assert states == [UpdateState.CONFIRMED, UpdateState.CANCELED, UpdateState.CANCELED]
    assert devices[1].asks() is None
    assert devices[1].now.slot.update_id is None
    assert devices[0].now.slot.installed_by == id


def test_an_abort_may_take_everything_back(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    id = fleet.started(devices)
    devices[0].installs()
    abort_rollout(fleet.platform, fleet.request(), rollout_id=id, revert=True, message="no")
    fleet.settle()
    devices[0].goes_back()
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.ROLLED_BACK
    assert fleet.update(id, devices[1]).state is UpdateState.CANCELED


def test_failed_devices_are_tried_again_also_after_completion(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    id = fleet.started(devices, replace(QUICK, min_success=0.0))
    devices[0].installs()
    offer = devices[1].offered()
    devices[1].reports(offer, Reported.FAILED, Problem.DISK_FULL)
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED
    tried = retry_updates(fleet.platform, fleet.request(), rollout_id=id)
    assert tried.devices == 1
    fleet.settle()
    devices[1].installs()
    fleet.settle()
    assert fleet.update(id, devices[1]).state is UpdateState.CONFIRMED
    assert retry_updates(fleet.platform, fleet.request(), rollout_id=id).devices == 0
    code, _, _ = refused(
        lambda: retry_updates(
            fleet.platform, fleet.request(), rollout_id=id,
            device_ids=[devices[0].address.device],
        )
    )  # fmt: skip
    assert code is RefusalCode.INVALID_STATE


def test_one_device_may_be_forced_before_its_wave(fleet: RolloutWorld) -> None:
    devices = fleet.devices(3)
    id = fleet.started(devices, Plan(waves=ONE_BY_ONE, soak_seconds=0.0))
    last = next(one for one in devices if fleet.update(id, one).wave == 2)
    force_update(fleet.platform, fleet.request(), rollout_id=id, device_id=last.address.device)
    fleet.settle()
    assert last.offered().rollout == id
    assert fleet.rollout(id).wave == 1
    drafted = fleet.drafted(devices)
    code, field, _ = refused(
        lambda: force_update(
            fleet.platform, fleet.request(), rollout_id=drafted, device_id=last.address.device
        )
    )
    assert (code, field) == (RefusalCode.INVALID_STATE, "rolloutId")


def test_a_dry_run_tells_who_is_affected_and_changes_nothing(fleet: RolloutWorld) -> None:
    devices = fleet.devices(5)
    held = fleet.started(devices[:1])
    plan = Plan(waves=(Wave(share=0.2), Wave(share=1.0)), soak_seconds=60.0)
    id = fleet.drafted(devices, plan, {"rate": 2})
    version = fleet.rollout(id).version
    found = dry_run_rollout(fleet.platform, fleet.request(), rollout_id=id)
    assert [(one.wave, one.devices) for one in found.waves] == [(1, 1), (2, 4)]
    assert (found.devices, found.online, found.bytes) == (5, 5, 0)
    (conflict,) = found.conflicts
    assert (conflict.rollout_id, conflict.state) == (held, "OFFERED")
    assert found.estimated_seconds > 120
    assert found.assumptions
    assert fleet.rollout(id).version == version
    empty = dry_run_draft(
        fleet.platform,
        fleet.request(),
        release=configuration(rate=1),
        target=Target(query=DeviceQuery(text="nowhere")),
    )
    assert (empty.devices, empty.waves) == (0, ())


def test_another_tenants_rollout_is_not_there(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.drafted([device])
    stranger = Request(Principal(uuid4(), "key:other", Role.OWNER))
    for act in (approve_rollout, pause_rollout, promote_rollout, dry_run_rollout):
        code, _, _ = refused(lambda act=act: act(fleet.platform, stranger, rollout_id=id))
        assert code is RefusalCode.NOT_FOUND
