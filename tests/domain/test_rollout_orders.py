"""Rollouts and updates in any order of whatever may happen; see benchmarks/rollout_laws.py."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from benchmarks import rollout_world
from benchmarks.rollout_fleet import BEGIN, SOMEBODY
from benchmarks.rollout_laws import Violation, followed
from benchmarks.rollout_orders import OUTCOMES, orders
from benchmarks.rollout_world import PEOPLE, World
from domain.cause import acting
from domain.refusal import Refusal
from domain.rollout import Rollout
from domain.rollout_plan import OnStop, Plan, StopRule, StopRuleKind, Wave
from domain.rollout_standing import Standing
from domain.rollout_status import RolloutStatus
from domain.rollout_steps import Promote, StartSoak, Step, Wait, next_step
from domain.update import MOST_IGNORED, Update
from domain.update_state import Outcome, Stage, UpdateState

WAVES = st.lists(
    st.builds(Wave, count=st.integers(1, 3)) | st.builds(Wave, share=st.floats(0.01, 1)),
    min_size=1,
    max_size=3,
).map(tuple)
RULES = st.just(StopRule()) | st.builds(
    StopRule, kind=st.just(StopRuleKind.PERCENTAGE), min_count=st.integers(1, 4)
)
PLANS = st.builds(
    Plan,
    waves=WAVES,
    soak_seconds=st.sampled_from([0.0, 60.0]),
    automatic=st.booleans(),
    min_success=st.sampled_from([0.5, 0.95]),
    stop_rule=RULES,
    on_stop=st.sampled_from(OnStop),
    max_per_minute=st.none() | st.integers(1, 3),
    max_at_once=st.none() | st.integers(1, 3),
    attempts=st.integers(1, 3),
    watch_seconds=st.sampled_from([0.0, 120.0]),
    offer_seconds=st.just(100.0),
)
DEVICES = st.integers(0, 4)
SAID = st.sampled_from([*Stage, *OUTCOMES])


class RolloutMachine(RuleBasedStateMachine):
    """Devices report what they should and what they should not; clocks, people and the actor come
    in between. The world raises Violation."""

    @initialize(plan=PLANS, devices=st.integers(1, 5))
    def begin(self, plan: Plan, devices: int) -> None:
        self.acting(lambda: setattr(self, "world", World(plan, devices)))
        self.waves = dict(self.world.waves)

    world: World

    def acting(self, act: Callable[[], None]) -> None:
        with acting(SOMEBODY):
            act()

    def device(self, number: int) -> UUID:
        return self.world.ids[number % len(self.world.ids)]

    @rule()
    def tick(self) -> None:
        self.acting(self.world.tick)

    @rule(number=DEVICES, said=SAID, off=st.sampled_from([0, 0, 0, -1, 1]), again=st.booleans())
    def report(self, number: int, said: Stage | Outcome, off: int, again: bool) -> None:
        device = self.device(number)
        attempt = self.world.updates[device].attempt if self.world.updates else 0
        self.acting(lambda: self.world.report(device, attempt + off, said, again))

    @rule(number=DEVICES)
    def confirm(self, number: int) -> None:
        self.report(number, Outcome.CONFIRMED, 0, False)

    @rule(number=st.integers(0, 1_000))
    def report_twice(self, number: int) -> None:
        self.acting(lambda: self.world.again(number))

    @rule(seconds=st.sampled_from([1.0, 61.0, 101.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(number=DEVICES)
    def connect_or_not(self, number: int) -> None:
        self.world.toggle(self.device(number))

    @rule(number=DEVICES)
    def retry(self, number: int) -> None:
        self.acting(lambda: self.world.retry(self.device(number)))

    @rule(number=DEVICES)
    def force(self, number: int) -> None:
        self.acting(lambda: self.world.force(self.device(number)))

    @rule(person=st.sampled_from(PEOPLE))
    def decide(self, person: Callable[[Rollout], None]) -> None:
        self.acting(lambda: self.world.person(person))

    @invariant()
    def each_device_stays_in_its_one_wave(self) -> None:
        if hasattr(self, "world"):
            assert self.world.waves == self.waves
            assert {id: one.wave for id, one in self.world.updates.items()} in ({}, self.waves)


TestRolloutsInAnyOrder = RolloutMachine.TestCase
TestRolloutsInAnyOrder.settings = settings(max_examples=100, stateful_step_count=30)


class UpdateMachine(RuleBasedStateMachine):
    """Reports and commands, late, twice and out of order."""

    def __init__(self) -> None:
        super().__init__()
        with acting(SOMEBODY):
            self.update = Update.queue(uuid4(), uuid4(), 1, "0" * 64)
        self.said: list[tuple[int, Stage | Outcome]] = []
        self.seen = (0, 0)

    def doing(self, act: Callable[[Update], None]) -> None:
        before = self.update.state
        with acting(SOMEBODY):
            try:
                act(self.update)
            except Refusal:
                assert self.update.state is before
            list(followed(self.update, before))

    def report(self, attempt: int, said: Stage | Outcome, again: bool) -> None:
        def say(update: Update) -> None:
            if isinstance(said, Stage):
                update.advance(attempt, said, None)
            else:
                update.settle(attempt, said, None, None, None, attempts=3, retryable=again)

        self.doing(say)

    @rule(said=SAID, off=st.sampled_from([0, 0, -1, 1]), again=st.booleans())
    def say(self, said: Stage | Outcome, off: int, again: bool) -> None:
        attempt, before = self.update.attempt + off, self.update.state
        self.said.append((attempt, said))
        self.report(attempt, said, again)
        if off:
            assert self.update.state is before
        standing = (self.update.state, self.update.attempt)
        if not (again and said is Outcome.FAILED):
            self.report(attempt, said, again)
            assert (self.update.state, self.update.attempt) == standing

    @rule(number=st.integers(0, 100))
    def say_something_old(self, number: int) -> None:
        if self.said:
            attempt, said = self.said[number % len(self.said)]
            before = self.update.state
            self.report(attempt, said, False)
            if attempt != self.update.attempt:
                assert self.update.state is before

    @rule(more=st.integers(0, 2), back=st.booleans())
    def offer(self, more: int, back: bool) -> None:
        counter = self.update.counter + more
        if back:
            self.doing(lambda update: update.revert(counter, None, BEGIN))
        else:
            self.doing(lambda update: update.offer(counter, None, BEGIN))

    @rule(late=st.booleans())
    def expire(self, late: bool) -> None:
        self.doing(lambda update: update.expire(BEGIN + timedelta(seconds=1 if late else -1)))

    @rule(command=st.sampled_from([Update.cancel, Update.retry, Update.force]))
    def command(self, command: Callable[[Update], None]) -> None:
        self.doing(command)

    @invariant()
    def counters_only_rise(self) -> None:
        now = (self.update.attempt, self.update.counter)
        assert now[0] >= self.seen[0]
        assert now[1] >= self.seen[1]
        assert self.update.ignored <= MOST_IGNORED
        self.seen = now


TestUpdatesInAnyOrder = UpdateMachine.TestCase
TestUpdatesInAnyOrder.settings = settings(max_examples=150, stateful_step_count=25)


def test_thousands_of_random_orders_break_no_law() -> None:
    ended, violations = orders(0, 4_000)
    assert violations == []
    assert sum(ended.values()) == 4_000
    rollouts = {status for status in ended if status.startswith("rollouts")}
    assert {"rollouts ROLLED_BACK", "rollouts COMPLETED", "rollouts PAUSED"} <= rollouts


def test_the_laws_see_an_update_that_goes_where_it_must_not() -> None:
    with acting(SOMEBODY):
        update = Update.queue(uuid4(), uuid4(), 1, "")
        list(followed(update, UpdateState.QUEUED))
        update.trigger_event(Update.Advanced, attempt=0, stage=Stage.PROBATION, detail=None)
        with pytest.raises(Violation, match="PROBATION after QUEUED"):
            list(followed(update, UpdateState.QUEUED))


def hasty(rollout: Rollout, standing: Standing) -> Step:
    """Does not wait for outcomes."""
    step = next_step(rollout, standing)
    if rollout.status is RolloutStatus.RUNNING and rollout.phase and isinstance(step, Wait):
        return Promote(standing.evidence(standing.wave, rollout.plan.stop_rule))
    return step


def impatient(rollout: Rollout, standing: Standing) -> Step:
    """Does not wait for devices."""
    step = next_step(rollout, standing)
    if rollout.status is RolloutStatus.RUNNING and rollout.phase and isinstance(step, Wait):
        return StartSoak(standing.now)
    return step


@pytest.mark.parametrize("wrong", [hasty, impatient])
def test_the_laws_see_a_rollout_that_goes_on_in_silence(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Rollout, Standing], Step]
) -> None:
    monkeypatch.setattr(rollout_world, "next_step", wrong)
    with acting(SOMEBODY):
        world = World(Plan(soak_seconds=0), 4)
        with pytest.raises(Violation, match=r"promoted|soaks"):
            world.tick()
