"""What happens to a rollout, as it is stored. Topics never change."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.aggregate import Aggregate, CreatedEvent
from domain.release import Golden, Release
from domain.rollout_evidence import Evidence
from domain.rollout_plan import Plan, Target
from domain.rollout_status import PauseReason, RolloutStatus, WavePhase


@dataclass(eq=False, repr=False)
class RolloutState:
    """`wave` counts from 1; 0 before the first. `wave_sizes` and `members` are known once it is
    approved: who is meant is the list with that sha256 (`application.ports.rollout_members`).
    `phase_until`: of a soak; of a rollback, how long devices that are offline are waited for.
    `judged_after` and `overruled_wave`: what somebody accepted who resumed it after a stop."""

    name: str = field(init=False)
    release: Release = field(init=False)
    target: Target = field(init=False)
    plan: Plan = field(init=False)
    author: str = field(init=False)
    status: RolloutStatus = field(init=False)
    paused_from: RolloutStatus | None = field(init=False, default=None)
    phase: WavePhase | None = field(init=False, default=None)
    wave: int = field(init=False, default=0)
    wave_sizes: tuple[int, ...] = field(init=False, default=())
    members: str | None = field(init=False, default=None)
    is_prepared: bool = field(init=False, default=False)
    phase_until: datetime | None = field(init=False, default=None)
    watch_until: datetime | None = field(init=False, default=None)
    stopped_on: Evidence | None = field(init=False, default=None)
    judged_after: int = field(init=False, default=0)
    overruled_wave: int = field(init=False, default=0)


class Event(Aggregate.Event):
    pass


class Drafted(Event, CreatedEvent):
    TOPIC = "rollout.drafted"
    name: str
    release: Release
    target: Target
    plan: Plan

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.name = self.name
        aggregate.release = self.release
        aggregate.target = self.target
        aggregate.plan = self.plan
        aggregate.author = self.cause.actor
        aggregate.status = RolloutStatus.DRAFT


class ApprovalRequested(Event):
    TOPIC = "rollout.approval-requested"

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.PENDING_APPROVAL


class Approved(Event):
    """`members` is the sha256 of the list of the devices that are meant."""

    TOPIC = "rollout.approved"
    members: str
    wave_sizes: tuple[int, ...]

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.APPROVED
        aggregate.members = self.members
        aggregate.wave_sizes = self.wave_sizes


class Prepared(Event):
    """The release is published with what its health is judged by, and every device queued."""

    TOPIC = "rollout.prepared"
    golden: Golden | None
    release_id: str

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.release = aggregate.release.with_golden(self.golden)
        aggregate.is_prepared = True


class WaveStarted(Event):
    TOPIC = "rollout.wave-started"
    wave: int
    devices: int

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.RUNNING
        aggregate.wave = self.wave
        aggregate.phase = WavePhase.DISPATCHING
        aggregate.phase_until = None


class SoakStarted(Event):
    TOPIC = "rollout.soak-started"
    wave: int
    until: datetime

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.phase = WavePhase.SOAKING
        aggregate.phase_until = self.until


class DecisionAwaited(Event):
    """It has soaked; the evidence is not enough, or somebody is to promote it."""

    TOPIC = "rollout.decision-awaited"
    wave: int
    evidence: Evidence

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.phase = WavePhase.DECIDING
        aggregate.phase_until = None


class WavePromoted(Event):
    TOPIC = "rollout.wave-promoted"
    wave: int
    evidence: Evidence

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.phase = None


class Paused(Event):
    TOPIC = "rollout.paused"
    reason: PauseReason
    message: str | None
    evidence: Evidence | None

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.paused_from = aggregate.status
        aggregate.status = RolloutStatus.PAUSED
        aggregate.stopped_on = self.evidence


class Resumed(Event):
    TOPIC = "rollout.resumed"
    status: RolloutStatus

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = self.status
        aggregate.paused_from = None
        if aggregate.stopped_on is not None:
            aggregate.judged_after = aggregate.stopped_on.position
            aggregate.overruled_wave = aggregate.wave
        aggregate.stopped_on = None


class RollbackStarted(Event):
    """`evidence` is what it was decided on; None where somebody decided."""

    TOPIC = "rollout.rollback-started"
    reason: PauseReason
    message: str | None
    evidence: Evidence | None

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.ROLLING_BACK
        aggregate.phase = None
        waits = timedelta(seconds=aggregate.plan.offer_seconds)
        aggregate.phase_until = self.timestamp + waits


class RolledBack(Event):
    TOPIC = "rollout.rolled-back"
    evidence: Evidence

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.ROLLED_BACK


class RollbackLeftIncomplete(Event):
    """Some devices could not be taken back: `evidence.tally` counts them."""

    TOPIC = "rollout.rollback-left-incomplete"
    evidence: Evidence

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.ROLLBACK_INCOMPLETE


class Completed(Event):
    TOPIC = "rollout.completed"
    evidence: Evidence
    watch_until: datetime | None

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.COMPLETED
        aggregate.phase = None
        aggregate.watch_until = self.watch_until


class Aborted(Event):
    """By hand; what is installed stays. Taking it back is RollbackStarted."""

    TOPIC = "rollout.aborted"
    message: str | None

    def apply(self, aggregate: RolloutState) -> None:
        aggregate.status = RolloutStatus.ABORTED
        aggregate.phase = None
