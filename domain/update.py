"""An update: one device in one rollout, from the moment that it is meant until it is settled.

    QUEUED → OFFERED → ACCEPTED → DOWNLOADING → VERIFIED → (WAITING) → INSTALLING → PROBATION
      → CONFIRMED; exits SKIPPED, REJECTED, CANCELED, FAILED, TIMED_OUT, LOST, LOCAL_ROLLED_BACK;
    REVERTING → REVERTED once the rollout takes it back.

Each offer is an attempt. What a device reports of another attempt, of an earlier stage, or twice is
written down (the first few) and changes nothing. A device that is offline stays QUEUED.
"""

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.refusal import Refusal, RefusalCode
from domain.update_state import Outcome, Stage, UpdateState, outcome_of

MOST_IGNORED = 20


def update_id(rollout_id: UUID, device_id: UUID) -> UUID:
    """One update for each device of a rollout, whoever makes it first."""
    return uuid5(rollout_id, str(device_id))


class Update(Aggregate):
    """One device in one rollout. `attempt` counts from 1, `counter` is the newest offer's, and
    `reverting` tells whether that was of the way back."""

    TOPIC = "update"
    rollout_id: UUID = field(init=False)
    device_id: UUID = field(init=False)
    wave: int = field(init=False)
    state: UpdateState = field(init=False)
    attempt: int = field(init=False, default=0)
    counter: int = field(init=False, default=0)
    release_id: str = field(init=False)
    previous: UUID | None = field(init=False, default=None)
    expires_at: datetime | None = field(init=False, default=None)
    problem: str | None = field(init=False, default=None)
    forced: bool = field(init=False, default=False)
    ignored: int = field(init=False, default=0)
    reverting: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Queued(Event, CreatedEvent):
        """`wave` counts from 1."""

        TOPIC = "update.queued"
        rollout_id: UUID
        device_id: UUID
        wave: int
        release_id: str

        def apply(self, aggregate: "Update") -> None:
            aggregate.rollout_id = self.rollout_id
            aggregate.device_id = self.device_id
            aggregate.wave = self.wave
            aggregate.release_id = self.release_id
            aggregate.state = UpdateState.QUEUED

    class Forced(Event):
        """Somebody lets this device go before its wave, outside its window."""

        TOPIC = "update.forced"
        rollout_id: UUID

        def apply(self, aggregate: "Update") -> None:
            aggregate.forced = True

    class Offered(Event):
        """`previous` is the rollout whose release the device runs now; None where it has none. What
        it goes back to is that of the newest offer: between two another rollout may have come."""

        TOPIC = "update.offered"
        rollout_id: UUID
        device_id: UUID
        attempt: int
        counter: int
        previous: UUID | None
        expires_at: datetime

        def apply(self, aggregate: "Update") -> None:
            aggregate.state = UpdateState.OFFERED
            aggregate.attempt = self.attempt
            aggregate.counter = self.counter
            aggregate.reverting = False
            if self.previous != self.rollout_id:
                aggregate.previous = self.previous
            aggregate.expires_at = self.expires_at
            aggregate.problem = None

    class Advanced(Event):
        """The device says how far it is; `detail` is for people."""

        TOPIC = "update.advanced"
        attempt: int
        stage: Stage
        detail: str | None

        def apply(self, aggregate: "Update") -> None:
            aggregate.state = UpdateState(self.stage)

    class Settled(Event):
        """It ended, well or badly. `release_id` is what the device runs now: None where it said
        nothing of it. `findings` are what it measured. An outcome may be followed by a worse one:
        what was CONFIRMED and crashed later is LOCAL_ROLLED_BACK then."""

        TOPIC = "update.settled"
        rollout_id: UUID
        device_id: UUID
        wave: int
        attempt: int
        outcome: Outcome
        code: str | None
        problem: str | None
        release_id: str | None
        findings: dict[str, Any] | None

        def apply(self, aggregate: "Update") -> None:
            aggregate.state = UpdateState(self.outcome)
            aggregate.problem = self.problem

    class RetryScheduled(Event):
        """Back into the queue, for the next attempt."""

        TOPIC = "update.retry-scheduled"
        rollout_id: UUID
        attempt: int
        code: str | None
        problem: str | None

        def apply(self, aggregate: "Update") -> None:
            aggregate.state = UpdateState.QUEUED
            aggregate.problem = self.problem

    class RevertOffered(Event):
        """A newly signed offer of what the device ran before; `release_id` None takes away."""

        TOPIC = "update.revert-offered"
        device_id: UUID
        attempt: int
        counter: int
        release_id: str | None
        expires_at: datetime

        def apply(self, aggregate: "Update") -> None:
            aggregate.state = UpdateState.REVERTING
            aggregate.reverting = True
            aggregate.attempt = self.attempt
            aggregate.counter = self.counter
            aggregate.expires_at = self.expires_at

    class Ignored(Event):
        """A report that came late, twice or out of order."""

        TOPIC = "update.ignored"
        attempt: int
        state: UpdateState

        def apply(self, aggregate: "Update") -> None:
            aggregate.ignored += 1

    @classmethod
    def queue(cls, rollout_id: UUID, device_id: UUID, wave: int, release_id: str) -> "Update":
        return cls._create(
            cls.Queued,
            id=update_id(rollout_id, device_id),
            request_hash=f"{rollout_id}:{device_id}",
            rollout_id=rollout_id,
            device_id=device_id,
            wave=wave,
            release_id=release_id,
        )

    def offer(self, counter: int, previous: UUID | None, expires_at: datetime) -> None:
        """Begins the next attempt. Offering twice with one counter changes nothing."""
        if counter == self.counter:
            return
        if self.state is not UpdateState.QUEUED:
            raise Refusal(RefusalCode.INVALID_STATE, f"The update is {self.state}, not QUEUED.")
        self.trigger_event(
            Update.Offered,
            rollout_id=self.rollout_id,
            device_id=self.device_id,
            attempt=self.attempt + 1,
            counter=counter,
            previous=previous,
            expires_at=expires_at,
        )

    def force(self) -> None:
        if self.state is not UpdateState.QUEUED:
            raise Refusal(RefusalCode.INVALID_STATE, f"The update is {self.state}, not QUEUED.")
        if not self.forced:
            self.trigger_event(Update.Forced, rollout_id=self.rollout_id)

    def advance(self, attempt: int, stage: Stage, detail: str | None) -> None:
        """The device is this far. Of a revert only the end counts."""
        if self.state is UpdateState.REVERTING and attempt == self.attempt:
            return
        reported = UpdateState(stage)
        if attempt != self.attempt or not self.state.under_way or reported.rank <= self.state.rank:
            self._ignore(attempt, reported)
            return
        self.trigger_event(Update.Advanced, attempt=attempt, stage=stage, detail=detail)

    def settle(
        self,
        attempt: int,
        outcome: Outcome,
        code: str | None,
        problem: str | None,
        release_id: str | None,
        *,
        attempts: int,
        retryable: bool = False,
        findings: dict[str, Any] | None = None,
    ) -> None:
        """It ended. A failure on the way there that may be tried again is, until `attempts` are
        used up. What nobody was offered ends only by CANCELED or SKIPPED."""
        if attempt != self.attempt or not outcome_of(self.state, outcome, self.reverting, attempt):
            self._ignore(attempt, UpdateState(outcome))
            return
        failed = outcome is Outcome.FAILED and self.state.rank > 0
        if retryable and failed and attempt < attempts:
            self._schedule_retry(code, problem)
            return
        self.trigger_event(
            Update.Settled,
            rollout_id=self.rollout_id,
            device_id=self.device_id,
            wave=self.wave,
            attempt=attempt,
            outcome=outcome,
            code=code,
            problem=problem,
            release_id=release_id,
            findings=findings,
        )

    def expire(self, now: datetime) -> None:
        """The offer's time is over: TIMED_OUT, or LOST where the device fell silent while it
        installed."""
        if self.expires_at is None or now < self.expires_at or not self.state.under_way:
            return
        lost = self.state.rank >= UpdateState.INSTALLING.rank
        outcome = Outcome.LOST if lost else Outcome.TIMED_OUT
        self.settle(
            self.attempt, outcome, outcome.value, "it said nothing in time", None, attempts=0
        )

    def cancel(self) -> None:
        """Nothing is to be done to this device any more; one that installs already goes on."""
        if self.state in (UpdateState.QUEUED, *UpdateState.before_installing()):
            self.settle(self.attempt, Outcome.CANCELED, None, None, None, attempts=0)

    def retry(self) -> None:
        """By hand, after a failure to get there."""
        if not self.state.may_be_retried or self.reverting:
            raise Refusal(
                RefusalCode.INVALID_STATE, f"The update is {self.state}; there is nothing to retry."
            )
        self._schedule_retry(None, self.problem)

    def revert(self, counter: int, release_id: str | None, expires_at: datetime) -> None:
        """Takes it back by a newly signed offer, again where the device did not answer to the last.
        Twice with one counter changes nothing."""
        if counter == self.counter:
            return
        unanswered = self.reverting and self.state is UpdateState.TIMED_OUT
        if not (self.state.may_be_reverted or unanswered):
            raise Refusal(
                RefusalCode.INVALID_STATE, f"The update is {self.state}; nothing to take back."
            )
        self.trigger_event(
            Update.RevertOffered,
            device_id=self.device_id,
            attempt=self.attempt + 1,
            counter=counter,
            release_id=release_id,
            expires_at=expires_at,
        )

    def _schedule_retry(self, code: str | None, problem: str | None) -> None:
        self.trigger_event(
            Update.RetryScheduled,
            rollout_id=self.rollout_id,
            attempt=self.attempt,
            code=code,
            problem=problem,
        )

    def _ignore(self, attempt: int, state: UpdateState) -> None:
        if self.ignored < MOST_IGNORED:
            self.trigger_event(Update.Ignored, attempt=attempt, state=state)
