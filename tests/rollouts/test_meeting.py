"""Several rollouts that meet at one device: one update at a time, and a clear word to who waits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.commands.rollout_control import abort_rollout
from application.ports.rollouts import Reading
from application.rollouts.waiting import waits_for
from domain.rollout_plan import OnStop
from domain.rollout_status import RolloutStatus
from domain.update_state import UpdateState
from edge.protocol.updates import Reported
from infrastructure.postgres.rollout_progress import PostgresRolloutProgress
from tests.rollouts.conftest import QUICK, RolloutWorld


def test_the_second_waits_and_says_for_whom_and_then_goes_on(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    first = fleet.started([device], settings={"rate": 1})
    second = fleet.started([device], settings={"rate": 2})
    assert device.offered().rollout == first
    assert fleet.update(second, device).state is UpdateState.QUEUED
    why = waits_for(fleet.platform, fleet.update(second, device))
    assert why is not None
    assert "summer" in why
    assert str(first) in why
    device.installs()
    fleet.settle()
    offer = device.installs()
    assert (offer.rollout, offer.counter) == (second, 2)
    fleet.settle()
    assert device.now.slot.installed_by == second
    assert fleet.rollout(second).status is RolloutStatus.COMPLETED
    assert waits_for(fleet.platform, fleet.update(second, device)) is None


def test_a_device_that_runs_the_release_already_is_skipped(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    fleet.started([device])
    device.installs()
    fleet.settle()
    again = fleet.started([device])
    assert device.asks() is None
    assert fleet.update(again, device).state is UpdateState.SKIPPED


def test_what_a_newer_rollout_replaced_is_not_taken_back(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    first = fleet.started([device], settings={"rate": 1})
    device.installs()
    fleet.settle()
    second = fleet.started([device], settings={"rate": 2})
    device.installs()
    fleet.settle()
    abort_rollout(fleet.platform, fleet.request(), rollout_id=first, revert=True)
    fleet.settle()
    assert device.asks() is None
    assert fleet.rollout(first).status is RolloutStatus.ROLLED_BACK
    assert device.now.slot.installed_by == second


def test_an_offer_that_nobody_answers_ends_and_the_device_is_free(fleet: RolloutWorld) -> None:
    silent, busy = fleet.devices(2)
    plan = replace(QUICK, on_stop=OnStop.PAUSE)
    id = fleet.started([silent, busy], plan)
    busy.reports(busy.offered(), Reported.INSTALLING)
    past_every_deadline(fleet, id)
    assert fleet.update(id, silent).state is UpdateState.TIMED_OUT
    assert fleet.update(id, busy).state is UpdateState.LOST
    assert silent.asks() is None
    assert silent.now.slot.update_id is None


def past_every_deadline(fleet: RolloutWorld, rollout_id: UUID) -> None:
    """As if the offers had been made an hour earlier, in the log as in the tables."""
    with fleet.database.system() as connection:
        connection.execute("UPDATE updates SET expires_at = now() - interval '1 second'")
    reading = PostgresRolloutProgress.read

    def later(self: PostgresRolloutProgress, *given: Any, **named: Any) -> Reading | None:
        found = reading(self, *given, **named)
        return None if found is None else replace(found, now=found.now + timedelta(hours=2))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresRolloutProgress, "read", later)
        fleet.wake(rollout_id)
