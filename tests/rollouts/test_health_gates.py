"""A rollout that makes devices slower, by their own word, is stopped by its health gate."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.ports.telemetry import TelemetryBatch, TelemetryEvent
from domain.rollout_plan import HealthGate, HealthMetric, OnStop, Wave
from domain.rollout_status import PauseReason, RolloutStatus, WavePhase
from infrastructure.postgres.telemetry import PostgresTelemetry
from tests.rollouts.conftest import QUICK, RolloutWorld, Updating

GATED = replace(
    QUICK,
    waves=(Wave(count=3), Wave(share=1.0)),
    gates=(HealthGate(HealthMetric.LATENCY, max_ratio=1.25, min_devices=3),),
    on_stop=OnStop.REVERT,
)


def infer(fleet: RolloutWorld, devices: Sequence[Updating], p95_ms: float) -> None:
    """Each tells of one window of inference, which ended a moment from now."""
    at = datetime.now(UTC) - timedelta(milliseconds=1)
    batches = [
        TelemetryBatch(
            one.address.device,
            "telemetry/model",
            UUID(int=one.address.device.int ^ int(p95_ms)),
            [TelemetryEvent(1, "inference", at, {"count": 9, "failed": 0, "p95_ms": p95_ms})],
        )
        for one in devices
    ]
    taken = PostgresTelemetry(fleet.database).store(fleet.tenant, batches)
    assert len(taken) == len(devices)


def first_wave(fleet: RolloutWorld, devices: Sequence[Updating]) -> tuple[UUID, list[Updating]]:
    """The rollout, and the devices of its first wave, which have installed it."""
    id = fleet.started(devices, GATED)
    meant = [one for one in devices if fleet.update(id, one).wave == 1]
    for one in meant:
        one.installs()
    fleet.settle()
    return id, meant


def test_it_waits_until_enough_devices_have_told_and_goes_on_when_they_are_well(
    fleet: RolloutWorld,
) -> None:
    devices = fleet.devices(6)
    id, new = first_wave(fleet, devices)
    fleet.wake(id)
    assert fleet.rollout(id).phase is WavePhase.DECIDING
    infer(fleet, [one for one in devices if one not in new], 10)
    infer(fleet, new[:2], 11)
    fleet.wake(id)
    assert fleet.rollout(id).wave == 1
    infer(fleet, new[2:], 12)
    fleet.wake(id)
    assert fleet.rollout(id).wave == 2


def test_a_release_that_makes_devices_slower_is_taken_back_and_says_why(
    fleet: RolloutWorld,
) -> None:
    devices = fleet.devices(6)
    id, new = first_wave(fleet, devices)
    infer(fleet, [one for one in devices if one not in new], 10)
    infer(fleet, new, 40)
    fleet.wake(id)
    rollout = fleet.rollout(id)
    assert rollout.status is RolloutStatus.ROLLING_BACK
    row = fleet.ask("SELECT reason, message FROM rollouts WHERE id = %s", id)[0]
    assert row == {
        "reason": PauseReason.HEALTH_GATE,
        "message": "Inference: median 40 on 3 devices with the release, 10 on 3 without it; at "
        "most 1.25 times as much may be.",
    }
