"""A rollout, its updates and its devices in memory, and what must hold whatever happens to them.

Everything is done by the aggregates' own commands and `next_step`; the world around them (who is
online, what a device says and when, clocks, people) is the caller's to choose. `World` raises
`Violation` where an event breaks a rule:

- an update and a rollout go only from states to states that follow them (`FOLLOWS`);
- each device is in one wave, and stays there;
- nothing is offered outside of a wave that has begun, nor while a rollout does not run;
- a wave soaks, and is promoted by itself, only on outcomes: never on silence;
- a stop rule that stops is obeyed before anything else is done;
- counters, attempts, waves and positions only rise; reports of another attempt change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.rollout_fleet import BEGIN, RELEASE, SENDING, Fleet, R, U
from benchmarks.rollout_laws import Violation, decided, followed, has_it
from domain.refusal import Refusal
from domain.rollout import Rollout
from domain.rollout_evidence import Tally
from domain.rollout_plan import OnStop
from domain.rollout_standing import Standing
from domain.rollout_status import PauseReason, WavePhase
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
    Step,
    Stop,
    Wait,
    next_step,
)
from domain.update import Update
from domain.update_state import Outcome, Stage, UpdateState

MOST_STEPS = 200
"""Of one tick: more would be going round in circles."""


@dataclass
class World(Fleet):
    """All calls are made while somebody acts (`domain.cause.acting`)."""

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def toggle(self, device: UUID) -> None:
        self.online ^= {device}

    def report(
        self, device: UUID, attempt: int, said: Stage | Outcome, retryable: bool = False
    ) -> None:
        """A device says how far it is, or how it ended: of whichever attempt, whenever."""
        update = self.updates.get(device)
        if update is None:
            return
        self.said.append((device, attempt, said))
        before = _standing(update)
        if isinstance(said, Stage):
            update.advance(attempt, said, None)
        else:
            update.settle(
                attempt, said, None, None, None, attempts=self.plan.attempts, retryable=retryable
            )
        if attempt != before[1] and _standing(update) != before:
            raise Violation(f"a report of attempt {attempt} changed attempt {before[1]}")
        self._recorded(update, before[0])

    def again(self, number: int) -> None:
        """One of the reports that came before comes once more."""
        if self.said:
            self.report(*self.said[number % len(self.said)])

    def person(self, act: Callable[[Rollout], None]) -> None:
        """Somebody gives a command, which may be refused."""
        before = self.rollout.version
        try:
            act(self.rollout)
        except Refusal:
            if self.rollout.version != before:
                raise Violation("what was refused changed something") from None
        self._decided()

    def retry(self, device: UUID) -> None:
        """As the command does it: only of a rollout that still sends."""
        if device in self.updates and self.rollout.status in SENDING:
            self._of(device, lambda update: update.retry())

    def force(self, device: UUID) -> None:
        if device in self.updates and self.rollout.status in SENDING:
            self._of(device, lambda update: update.force())

    def tick(self) -> None:
        """What the actor does when it is woken."""
        for device, update in self.updates.items():
            self._of(device, lambda one: one.expire(self.now))
            if update.state.under_way and update.expires_at and update.expires_at <= self.now:
                raise Violation("an offer is open whose time is over")
        for _ in range(MOST_STEPS):
            standing = self.standing()
            step = next_step(self.rollout, standing)
            if step != next_step(self.rollout, standing):
                raise Violation("the same question was answered differently")
            if isinstance(step, Wait):
                return
            self._carry_out(step, standing)
        raise Violation("it never comes to rest")

    def _carry_out(self, step: Step, standing: Standing) -> None:
        rollout = self.rollout
        stops = standing.evidence(standing.all, self.plan.stop_rule).rule.stops
        if rollout.status is R.RUNNING and stops and not isinstance(step, Stop):
            raise Violation(f"the stop rule stops, and {type(step).__name__} follows")
        match step:
            case Prepare():
                for device in self.ids:
                    self.updates[device] = Update.queue(
                        rollout.id, device, self.waves[device], RELEASE.id
                    )
                rollout.prepared(None)
            case StartWave(wave):
                rollout.start_wave(wave)
            case Dispatch(most):
                self._dispatch(most)
            case StartSoak(until):
                self._require_settled(standing)
                rollout.start_soak(until)
            case AwaitDecision(evidence):
                rollout.await_decision(evidence)
            case Promote(evidence):
                self._require_success(standing)
                rollout.promote(evidence)
            case Stop(reason, message, evidence):
                reverts = self.plan.on_stop is OnStop.REVERT
                (rollout.start_rollback if reverts else rollout.pause)(reason, message, evidence)
            case Complete(evidence, watch_until):
                rollout.complete(evidence, watch_until)
            case Cancel():
                for device in self.ids:
                    self._of(device, lambda update: update.cancel())
            case Revert(most):
                self._revert(most)
            case EndRollback(evidence):
                rollout.end_rollback(evidence)
        self._decided()

    def _dispatch(self, most: int) -> None:
        chosen = list(self.offerable())[:most]
        if not chosen or self.rollout.status not in SENDING:
            raise Violation(f"{most} offers to {len(chosen)} devices, {self.rollout.status}")
        for device in chosen:
            update = self.updates[device]
            if not (update.forced or update.wave <= self.rollout.wave):
                raise Violation("an offer before its wave")
            self.offers.append(self.now)
            self._offer(device, lambda update, counter, until: update.offer(counter, None, until))
        most_at_once = self.plan.max_at_once
        under_way = sum(one.state.under_way for one in self.updates.values())
        if most_at_once is not None and under_way > most_at_once:
            raise Violation(f"{under_way} at once, and {most_at_once} were allowed")

    def _revert(self, most: int) -> None:
        chosen = list(self.revertible())[:most]
        if not chosen:
            raise Violation("nothing to revert")
        for device in chosen:
            self._offer(device, lambda update, counter, until: update.revert(counter, None, until))

    def _offer(self, device: UUID, how: Callable[[Update, int, datetime], None]) -> None:
        update = self.updates[device]
        counter, attempt, before = update.counter + 1, update.attempt, update.state
        until = self.now + timedelta(seconds=self.plan.offer_seconds)
        how(update, counter, until)
        version = update.version
        how(update, counter, until)  # killed in between, and done again
        if (update.version, update.counter, update.attempt) != (version, counter, attempt + 1):
            raise Violation("an offer was made twice, or not counted")
        self._recorded(update, before)

    def _require_settled(self, standing: Standing) -> None:
        for device, update in self.updates.items():
            if update.wave != self.rollout.wave:
                continue
            away = update.state is U.QUEUED and device not in self.online
            if update.state.under_way or (update.state is U.QUEUED and not away):
                raise Violation(f"the wave soaks, and an update of it is {update.state}")
        wave = standing.wave
        if wave.judged + wave.skipped + wave.canceled + wave.reverted == 0:
            raise Violation("the wave soaks on silence")

    def _require_success(self, standing: Standing) -> None:
        wave = standing.wave
        if wave.devices == 0:
            return
        if self.rollout.phase is WavePhase.DISPATCHING or not self.plan.automatic:
            raise Violation(f"promoted in {self.rollout.phase}, automatic {self.plan.automatic}")
        if wave.confirmed == 0 and self.plan.min_success > 0:
            raise Violation("promoted without a success")
        if wave.judged == 0 or wave.open or wave.confirmed < self.plan.min_success * wave.judged:
            raise Violation("promoted on too little")
        if self.rollout.phase_until is not None and self.now < self.rollout.phase_until:
            raise Violation("promoted before it had soaked")

    def _of(self, device: UUID, act: Callable[[Update], None]) -> None:
        update = self.updates[device]
        before = update.state
        try:
            act(update)
        except Refusal:
            if update.state is not before:
                raise Violation("what was refused changed something") from None
        self._recorded(update, before)

    def _recorded(self, update: Update, before: UpdateState) -> None:
        """Takes in the events of an update."""
        for event in followed(update, before):
            self.position += 1
            if isinstance(event, Update.Settled) and (event.outcome.good or event.outcome.bad):
                self.judged[update.device_id] = (self.position, event.outcome.bad)
            elif isinstance(event, Update.RetryScheduled):
                self.judged.pop(update.device_id, None)
        if update.wave != self.waves[update.device_id]:
            raise Violation("a device changed its wave")

    def _decided(self) -> None:
        """Takes in the events of the rollout."""
        for event in decided(self.rollout, self.status, self.wave):
            self.position += 1
            if isinstance(event, Rollout.RolledBack) and any(map(has_it, self.updates.values())):
                raise Violation("rolled back, and a device has it still")
        self.status, self.wave = self.rollout.status, self.rollout.wave


def _standing(update: Update) -> tuple[UpdateState, int, int]:
    return update.state, update.attempt, update.counter


PEOPLE: tuple[Callable[[Rollout], None], ...] = (
    lambda rollout: rollout.pause(PauseReason.BY_HAND),
    lambda rollout: rollout.resume(),
    lambda rollout: rollout.abort(),
    lambda rollout: rollout.start_rollback(PauseReason.BY_HAND),
    lambda rollout: rollout.promote(Standing(BEGIN, 0).evidence(Tally(), rollout.plan.stop_rule)),
)
"""What people may ask of a rollout at any moment."""
