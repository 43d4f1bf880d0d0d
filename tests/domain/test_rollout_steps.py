"""What a rollout does next, wherever its devices stand."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.rollout import Rollout
from domain.rollout_evidence import GateFinding, Tally
from domain.rollout_plan import HealthGate, HealthMetric, Plan, StopRule, StopRuleKind
from domain.rollout_standing import Standing
from domain.rollout_status import PauseReason, RolloutStatus
from domain.rollout_steps import (
    AwaitDecision,
    Cancel,
    Complete,
    Dispatch,
    EndRollback,
    Prepare,
    Promote,
    Revert,
    StartSoak,
    StartWave,
    Stop,
    Wait,
    next_step,
)
from tests.domain.rollouts import NONE, NOW, PLAN, approved, draft, evidence, running

LATER = NOW + timedelta(hours=1)


def standing(wave: Tally = NONE, now: datetime = NOW, **more: object) -> Standing:
    outcomes = (True,) * wave.bad + (False,) * wave.confirmed
    given = {"all": wave, "outcomes": outcomes, **more}
    return Standing(now, 7, wave, **given)  # type: ignore[arg-type]


def gate(passes: bool | None) -> GateFinding:
    return GateFinding(HealthMetric.LATENCY, 20.0, 10.0, 5, 5, 1.25, passes)


def soaked(plan: Plan = PLAN) -> Rollout:
    rollout = running(plan)
    rollout.start_soak(NOW)
    return rollout


def test_a_draft_waits_for_somebody() -> None:
    assert next_step(draft(), standing()) == Wait(None)


def test_an_approved_rollout_is_prepared_before_its_time_and_started_at_it() -> None:
    rollout = approved(Plan(starts_at=LATER))
    assert next_step(rollout, standing()) == Prepare()
    rollout.prepared(None)
    assert next_step(rollout, standing()) == Wait(LATER)
    assert next_step(rollout, standing(now=LATER)) == StartWave(1)


def test_offers_go_to_whoever_can_take_one() -> None:
    assert next_step(running(), standing(Tally(2, queued=2), offerable=2)) == Dispatch(2)


@pytest.mark.parametrize(
    ("plan", "most"), [(Plan(max_at_once=5), 2), (Plan(max_per_minute=4), 1), (Plan(), 10)]
)
def test_offers_keep_to_the_limits(plan: Plan, most: int) -> None:
    now = standing(Tally(20, queued=17, open=3), offerable=10, offered_last_minute=3)
    assert next_step(running(plan), now) == Dispatch(most)


def test_offers_held_back_by_the_limit_per_minute_are_soon_tried_again() -> None:
    now = standing(Tally(20, queued=10, open=10), offerable=10, offered_last_minute=30)
    plan = Plan(max_per_minute=30)
    assert next_step(running(plan), now) == Wait(NOW + timedelta(seconds=2))


def test_a_wave_of_which_all_devices_are_offline_waits() -> None:
    assert next_step(running(), standing(Tally(2, queued=2, offline=2))) == Wait(None)


def test_a_wave_with_an_open_offer_waits_until_the_offer_is_over() -> None:
    now = standing(Tally(2, open=1, confirmed=1), next_deadline=LATER)
    assert next_step(running(), now) == Wait(LATER)


def test_a_device_that_is_online_and_busy_elsewhere_is_waited_for() -> None:
    assert next_step(running(), standing(Tally(2, queued=1, confirmed=1))) == Wait(None)


def test_devices_that_are_offline_do_not_keep_a_wave_from_soaking() -> None:
    now = standing(Tally(2, queued=1, offline=1, confirmed=1))
    assert next_step(running(), now) == StartSoak(NOW + timedelta(seconds=300))


def test_an_empty_wave_is_passed_over() -> None:
    assert isinstance(next_step(running(sizes=(0, 8)), standing()), Promote)


def test_an_empty_last_wave_of_a_dynamic_rollout_waits_for_devices() -> None:
    rollout = running(sizes=(1, 0), dynamic=True)
    rollout.promote(evidence(rollout.plan))
    rollout.start_wave(2)
    assert next_step(rollout, standing()) == Wait(None)


def test_a_wave_soaks_to_the_end() -> None:
    rollout = running()
    rollout.start_soak(LATER)
    good = Tally(2, confirmed=2)
    assert next_step(rollout, standing(good)) == Wait(LATER)
    assert isinstance(next_step(rollout, standing(good, LATER)), Promote)


def test_a_device_that_comes_back_while_the_wave_soaks_is_offered_it_and_waited_for() -> None:
    rollout = soaked()
    back = Tally(2, queued=1, confirmed=1)
    assert next_step(rollout, standing(back, LATER, offerable=1)) == Dispatch(1)
    assert next_step(rollout, standing(Tally(2, open=1, confirmed=1), LATER)) == Wait(None)


def test_somebody_promotes_where_the_plan_says_so() -> None:
    rollout, good = soaked(Plan(automatic=False)), standing(Tally(2, confirmed=2))
    step = next_step(rollout, good)
    assert isinstance(step, AwaitDecision)
    rollout.await_decision(step.evidence)
    assert next_step(rollout, good) == Wait(None)


def test_too_few_successes_wait_for_a_decision_and_a_retry_that_succeeds_makes_it() -> None:
    rollout = soaked(Plan(min_success=0.9))
    step = next_step(rollout, standing(Tally(10, confirmed=8, bad=2), outcomes=(False,) * 10))
    assert isinstance(step, AwaitDecision)
    rollout.await_decision(step.evidence)
    assert isinstance(next_step(rollout, standing(Tally(10, confirmed=9, bad=1))), Promote)


def test_a_wave_whose_devices_all_ran_it_already_proves_nothing() -> None:
    assert isinstance(next_step(soaked(), standing(Tally(2, skipped=2))), AwaitDecision)


@pytest.mark.parametrize(
    ("passes", "kind"), [(True, Promote), (None, AwaitDecision), (False, Stop)]
)
def test_a_health_gate_lets_through_waits_or_stops(passes: bool | None, kind: type) -> None:
    rollout = soaked(Plan(gates=(HealthGate(HealthMetric.LATENCY),)))
    step = next_step(rollout, standing(Tally(2, confirmed=2), gates=(gate(passes),)))
    assert isinstance(step, kind)
    if isinstance(step, Stop):
        assert step.reason is PauseReason.HEALTH_GATE
        assert step.message == (
            "Inference: median 20 on 5 devices with the release, 10 on 5 without it; at most "
            "1.25 times as much may be."
        )


def test_the_stop_rule_stops_while_offers_still_go_out() -> None:
    now = standing(Tally(50, queued=40, open=5, confirmed=2, bad=3), offerable=40)
    step = next_step(running(), now)
    assert isinstance(step, Stop)
    assert step.reason is PauseReason.STOP_RULE
    assert step.evidence.rule.stops
    assert step.message.startswith("2 of 2 devices failed: a healthy release would come to this")


def test_a_canary_of_one_that_fails_stops_it() -> None:
    step = next_step(running(sizes=(1, 9)), standing(Tally(1, bad=1)))
    assert isinstance(step, Stop)
    assert step.reason is PauseReason.NO_SUCCESS
    assert step.message == "Wave 1 has ended: 1 device failed, none succeeded."


def test_a_canary_of_one_that_fails_proves_nothing_where_failures_are_usual() -> None:
    rule = StopRule(healthy_rate=0.3)
    rollout = running(Plan(stop_rule=rule, soak_seconds=0), sizes=(1, 9))
    assert isinstance(next_step(rollout, standing(Tally(1, bad=1))), StartSoak)


def test_whoever_resumes_after_a_stop_has_accepted_what_was_known() -> None:
    rollout = running()
    known = standing(Tally(9, open=3, bad=3, confirmed=3))
    stop = next_step(rollout, known)
    assert isinstance(stop, Stop)
    rollout.pause(stop.reason, stop.message, stop.evidence)
    assert next_step(rollout, known) == Wait(None)
    rollout.resume()
    assert rollout.judged_after == stop.evidence.position
    assert next_step(rollout, replace(known, outcomes=(), gates=(gate(False),))) == Wait(None)
    assert isinstance(next_step(rollout, replace(known, outcomes=(True,) * 3)), Stop)


def test_who_pauses_by_hand_and_resumes_has_accepted_nothing() -> None:
    rollout = running()
    rollout.pause(PauseReason.BY_HAND)
    rollout.resume()
    assert (rollout.judged_after, rollout.overruled_wave) == (0, 0)


def test_a_paused_rollout_still_keeps_deadlines() -> None:
    rollout = running()
    rollout.pause(PauseReason.BY_HAND)
    now = standing(Tally(2, open=2), offerable=3, next_deadline=LATER)
    assert next_step(rollout, now) == Wait(LATER)


def test_the_last_wave_completes_it_once_nothing_is_open_anywhere() -> None:
    rollout = running(Plan(watch_seconds=60), sizes=(2,))
    good = standing(Tally(2, confirmed=2))
    rollout.promote(evidence(rollout.plan))
    assert next_step(rollout, replace(good, all=Tally(2, confirmed=1, open=1))) == Wait(None)
    step = next_step(rollout, good)
    assert isinstance(step, Complete)
    assert step.watch_until == NOW + timedelta(seconds=60)


def test_the_next_wave_follows_a_promoted_one() -> None:
    rollout = running()
    rollout.promote(evidence(rollout.plan))
    assert next_step(rollout, standing(Tally(2, confirmed=2))) == StartWave(2)


def completed(watch: datetime | None) -> Rollout:
    rollout = running(sizes=(2,))
    rollout.promote(evidence(rollout.plan))
    rollout.complete(evidence(rollout.plan), watch)
    return rollout


def test_failures_after_completion_stop_it_while_it_is_watched() -> None:
    bad = standing(Tally(9, confirmed=1, bad=8))
    assert isinstance(next_step(completed(LATER), bad), Stop)
    assert next_step(completed(LATER), replace(bad, now=LATER)) == Wait(None)
    assert next_step(completed(None), bad) == Wait(None)


def test_a_device_that_comes_back_after_completion_is_offered_it() -> None:
    now = standing(Tally(2, confirmed=1, queued=1), offerable=1)
    assert next_step(completed(None), now) == Dispatch(1)


def test_going_back_cancels_then_reverts_then_ends() -> None:
    rollout = running()
    rollout.start_rollback(PauseReason.BY_HAND)
    has_it = Tally(2, confirmed=2, not_taken_back=2)
    assert next_step(rollout, standing(has_it, cancelable=8, revertible=2)) == Cancel()
    assert next_step(rollout, standing(has_it, revertible=2)) == Revert(2)
    reverting = replace(has_it, confirmed=0, open=2)
    waits = next_step(rollout, standing(reverting, next_deadline=NOW))
    assert waits == Wait(NOW)
    assert isinstance(next_step(rollout, standing(Tally(2, reverted=2))), EndRollback)


def test_devices_that_are_offline_leave_a_rollback_incomplete_and_come_back_later() -> None:
    rollout = running()
    rollout.start_rollback(PauseReason.BY_HAND)
    over = rollout.phase_until
    assert over is not None
    away = standing(Tally(2, confirmed=1, reverted=1, not_taken_back=1), over - timedelta(1))
    assert next_step(rollout, away) == Wait(over)
    step = next_step(rollout, replace(away, now=over))
    assert isinstance(step, EndRollback)
    rollout.end_rollback(step.evidence)
    assert rollout.status is RolloutStatus.ROLLBACK_INCOMPLETE
    assert next_step(rollout, replace(away, now=over)) == Wait(None)
    assert next_step(rollout, replace(away, now=over, revertible=1)) == Revert(1)
    step = next_step(rollout, standing(Tally(2, reverted=2)))
    assert isinstance(step, EndRollback)
    rollout.end_rollback(step.evidence)
    assert rollout.status is RolloutStatus.ROLLED_BACK


def test_what_was_aborted_is_offered_to_nobody_else() -> None:
    rollout = running()
    rollout.abort()
    queued = standing(Tally(2, queued=2), cancelable=10, offerable=2)
    assert next_step(rollout, queued) == Cancel()
    assert next_step(rollout, standing(Tally(2, canceled=2))) == Wait(None)


def test_a_percentage_stops_above_its_most_once_enough_have_ended() -> None:
    rule = StopRule(StopRuleKind.PERCENTAGE, max_rate=0.1, min_count=20)
    rollout = running(Plan(stop_rule=rule, min_success=0))
    few = Tally(30, open=11, bad=3, confirmed=16)
    assert isinstance(next_step(rollout, standing(few)), Wait)
    step = next_step(rollout, standing(replace(few, open=10, confirmed=17)))
    assert isinstance(step, Stop)
    assert step.message == "3 of 20 devices failed: 15.0%, and at most 10.0% may."


def test_a_device_that_was_canceled_too_late_is_taken_back_after_the_rollback() -> None:
    rollout = running()
    rollout.start_rollback(PauseReason.BY_HAND)
    rollout.end_rollback(evidence(rollout.plan))
    assert rollout.status is RolloutStatus.ROLLED_BACK
    late = Tally(2, confirmed=1, canceled=1, not_taken_back=1)
    assert next_step(rollout, standing(late, revertible=1)) == Revert(1)
    assert next_step(rollout, standing(replace(late, confirmed=0, open=1))) == Wait(None)
