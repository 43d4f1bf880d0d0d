"""A rollout from its draft to its end, on devices that obey."""

from domain.rollout_plan import Plan, Wave
from domain.rollout_status import RolloutStatus, WavePhase
from domain.update_state import UpdateState
from edge.protocol.topics import Said
from edge.protocol.updates import Action, Problem, Report, Reported
from tests.rollouts.conftest import ONE_BY_ONE, QUICK, RolloutWorld


def test_every_device_is_offered_the_release_and_confirms_it(fleet: RolloutWorld) -> None:
    devices = fleet.devices(3)
    id = fleet.started(devices)
    assert fleet.rollout(id).phase is WavePhase.DISPATCHING
    for device in devices:
        offer = device.installs()
        assert (offer.counter, offer.attempt, offer.action) == (1, 1, Action.INSTALL)
        assert offer.rollout == id
        assert device.asks() is None
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED
    for device in devices:
        assert device.now.slot.installed_by == id
        assert device.now.slot.update_id is None
    ends = fleet.ask("SELECT count(*) AS n FROM outbox WHERE kind = 'rollout'")
    assert ends == [{"n": 0}]


def test_the_second_wave_waits_for_the_first(fleet: RolloutWorld) -> None:
    devices = fleet.devices(4)
    id = fleet.started(devices, Plan(waves=ONE_BY_ONE, soak_seconds=0.0))
    (first,) = [one for one in devices if one.asks() is not None]
    first.installs()
    fleet.settle()
    assert fleet.rollout(id).wave == 2
    rest = [one for one in devices if one.asks() is not None]
    assert len(rest) == 3
    for one in rest:
        one.installs()
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED


def test_a_failing_canary_stops_it_and_nobody_else_is_offered_anything(
    fleet: RolloutWorld,
) -> None:
    devices = fleet.devices(4)
    id = fleet.started(devices, Plan(waves=(Wave(count=2), Wave(share=1.0)), soak_seconds=0.0))
    canaries = [one for one in devices if one.asks() is not None]
    assert len(canaries) == 2
    canaries[0].installs()
    fleet.settle()
    canaries[1].fails()
    fleet.settle()
    rollout = fleet.rollout(id)
    assert rollout.status in (RolloutStatus.RUNNING, RolloutStatus.ROLLING_BACK)
    others = [one for one in devices if one not in canaries]
    assert [one.asks() for one in others] == [None, None]


def test_what_was_stopped_is_taken_back_by_a_newly_signed_offer(fleet: RolloutWorld) -> None:
    devices = fleet.devices(4)
    first = fleet.started(devices, settings={"rate": 1})
    for one in devices:
        one.installs()
    fleet.settle()
    before = devices[0].runs
    second = fleet.started(devices, settings={"rate": 2})
    devices[0].installs()
    for one in devices[1:]:
        one.fails()
    fleet.settle()
    assert fleet.rollout(second).status is RolloutStatus.ROLLING_BACK
    offer = devices[0].goes_back()
    assert (offer.release, offer.counter) == (before, 3)
    fleet.settle()
    assert fleet.rollout(second).status is RolloutStatus.ROLLED_BACK
    assert devices[0].now.slot.installed_by == first
    for one in devices[1:]:
        assert one.now.slot.installed_by == first


def test_a_device_that_had_nothing_before_is_to_take_it_away(fleet: RolloutWorld) -> None:
    devices = fleet.devices(4)
    id = fleet.started(devices)
    devices[0].installs()
    for one in devices[1:]:
        one.fails()
    fleet.settle()
    offer = devices[0].goes_back()
    assert (offer.release, offer.files, offer.components) == (None, (), ())
    fleet.settle()
    assert devices[0].now.slot.installed_by is None
    assert fleet.rollout(id).status is RolloutStatus.ROLLED_BACK


def test_an_offline_device_stays_queued_and_counts_neither_way(fleet: RolloutWorld) -> None:
    devices = fleet.devices(3)
    away = devices[2]
    away.says(Said.STATE, {"online": False, "reason": "lost"})
    id = fleet.started(devices)
    for one in devices[:2]:
        one.installs()
    fleet.settle()
    assert fleet.rollout(id).status is RolloutStatus.COMPLETED
    assert fleet.update(id, away).state is UpdateState.QUEUED
    away.is_born()
    assert away.asks() is None
    fleet.settle()
    away.installs()
    assert fleet.update(id, away).state is UpdateState.CONFIRMED


def test_a_failure_that_may_be_tried_again_is(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.started([device])
    offer = device.offered()
    device.reports(offer, Reported.FAILED, Problem.UNREACHABLE, retryable=True)
    fleet.settle()
    again = device.offered()
    assert (again.attempt, again.counter) == (2, 2)
    device.reports(again, Reported.FAILED, Problem.UNREACHABLE, retryable=True)
    fleet.settle()
    assert fleet.update(id, device).state is UpdateState.FAILED


def test_late_double_and_reordered_reports_change_nothing(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.started([device])
    offer = device.offered()
    device.reports(offer, Reported.INSTALLING)
    device.reports(offer, Reported.DOWNLOADING)
    assert fleet.update(id, device).state is UpdateState.INSTALLING
    device.runs = offer.release
    for _ in range(3):
        device.reports(offer, Reported.CONFIRMED)
        device.reports(offer, Reported.ACCEPTED)
    fleet.settle()
    assert fleet.update(id, device).state is UpdateState.CONFIRMED
    assert fleet.topics(fleet.update(id, device).id).count("update.settled") == 1


def test_a_report_of_another_device_is_dropped(fleet: RolloutWorld) -> None:
    device, other = fleet.devices(2)
    id = fleet.started([device])
    offer = device.offered()
    other.runs = offer.release
    other.reports(offer, Reported.CONFIRMED)
    assert fleet.update(id, device).state is UpdateState.OFFERED
    assert fleet.dropped == {"refused: NOT_FOUND": 1}
    body = Report(1, 1, Reported.CONFIRMED, None).body()
    other.says(Said.UPDATE_STATUS, {**body, "state": "SPLENDID"}, offer.update)
    assert fleet.dropped["malformed"] == 1


def test_a_device_that_says_that_it_is_well_and_runs_something_else_has_failed(
    fleet: RolloutWorld,
) -> None:
    device, liar = fleet.devices(2)
    id = fleet.started([device, liar], QUICK)
    device.installs()
    liar.installs()
    fleet.settle()
    assert liar.now.slot.installed_by == id
    liar.runs = "0" * 64
    assert liar.asks() is None
    fleet.settle()
    assert fleet.update(id, liar).state is UpdateState.FAILED
    (row,) = fleet.ask("SELECT code, running FROM updates WHERE state = 'FAILED'")
    assert row == {"code": "BETRAYED", "running": "0" * 64}
    assert liar.now.slot.installed_by is None


def test_success_without_the_release_is_no_success(fleet: RolloutWorld) -> None:
    (device,) = fleet.devices(1)
    id = fleet.started([device])
    device.reports(device.offered(), Reported.CONFIRMED)
    assert fleet.update(id, device).state is UpdateState.FAILED


def test_what_a_device_measured_is_kept_unless_it_is_too_much(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    id = fleet.started(devices)
    for device, findings in zip(devices, ({"ms": 3.5}, {"x": "y" * 5_000}), strict=True):
        offer = device.offered()
        device.runs = offer.release
        device.reports(offer, Reported.CONFIRMED, findings=findings)
    fleet.catch_up()
    rows = fleet.ask("SELECT findings FROM updates WHERE rollout_id = %s", id)
    assert {str(row["findings"]) for row in rows} == {"{'ms': 3.5}", "None"}
