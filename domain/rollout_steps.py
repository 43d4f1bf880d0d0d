"""What a rollout does next, from where its devices stand. Pure: no I/O, and the same answer to the
same question, so that whoever carries a step out may be killed and ask again.

- It never advances on silence. A wave soaks once every device of it has ended, except those that
  are offline and were never reached, which count neither way; at least one must have an outcome.
  It is promoted by what was reported: enough successes, and every gate passed. What is missing is
  waited for. Without `automatic` somebody promotes it.
- The stop rule looks at every outcome as it comes, in every phase, and in the watch period after
  completion; a health gate stops as soon as it fails. So does a wave that ended without a single
  success, where that is too unlikely at the healthy rate (healthy_rate^devices ≤ alpha).
- Below `min_success` without a stop somebody decides; a retry that succeeds decides as well.
- Devices that come back late, and those tried again, are offered the release in every phase, and
  after completion. Offers keep to the limits; going back does not wait for them.
- Whoever resumes a rollout that stopped has accepted what was known: the stop rule begins anew
  (`Rollout.judged_after`), and nothing else stops that wave (`Rollout.overruled_wave`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.rollout import Rollout
from domain.rollout_evidence import Evidence
from domain.rollout_plan import Plan
from domain.rollout_standing import Standing
from domain.rollout_status import PauseReason, RolloutStatus, WavePhase
from domain.rollout_stops import stop_of


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the golden file, publish the targets, queue every device."""


@dataclass(frozen=True, slots=True)
class StartWave:
    wave: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Offer it to at most so many of what is `offerable`."""

    most: int


@dataclass(frozen=True, slots=True)
class StartSoak:
    until: datetime


@dataclass(frozen=True, slots=True)
class AwaitDecision:
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Promote:
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Stop:
    """Pause it, or start to take it back, as `plan.on_stop` says."""

    reason: PauseReason
    message: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Complete:
    evidence: Evidence
    watch_until: datetime | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Everything that is `cancelable`."""


@dataclass(frozen=True, slots=True)
class Revert:
    """Offer the way back to at most so many of what is `revertible`."""

    most: int


@dataclass(frozen=True, slots=True)
class EndRollback:
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Wait:
    """For a report, for somebody, or until then."""

    until: datetime | None


Step = (
    Prepare
    | StartWave
    | Dispatch
    | StartSoak
    | AwaitDecision
    | Promote
    | Stop
    | Complete
    | Cancel
    | Revert
    | EndRollback
    | Wait
)


def next_step(rollout: Rollout, standing: Standing) -> Step:
    """Asked again after each step, until it is Wait."""
    match rollout.status:
        case RolloutStatus.APPROVED:
            return _begin(rollout, standing)
        case RolloutStatus.RUNNING:
            return _run(rollout, standing)
        case RolloutStatus.COMPLETED:
            return _look_after(rollout, standing)
        case RolloutStatus.ROLLING_BACK | RolloutStatus.ROLLBACK_INCOMPLETE:
            return _take_back(rollout, standing)
        case RolloutStatus.ABORTED if standing.cancelable:
            return Cancel()
        case RolloutStatus.ROLLED_BACK if standing.revertible:
            return Revert(standing.revertible)  # it was canceled too late, and says so only now
    return Wait(standing.next_deadline)


def _begin(rollout: Rollout, standing: Standing) -> Step:
    if not rollout.is_prepared:
        return Prepare()
    starts_at = rollout.plan.starts_at
    if starts_at is not None and standing.now < starts_at:
        return Wait(starts_at)
    return StartWave(1)


def _run(rollout: Rollout, standing: Standing) -> Step:
    stop = stop_of(rollout, standing)
    if stop is not None:
        return Stop(*stop)
    if _room(rollout.plan, standing):
        return Dispatch(_room(rollout.plan, standing))
    match rollout.phase:
        case WavePhase.DISPATCHING:
            return _dispatching(rollout, standing)
        case WavePhase.SOAKING | WavePhase.DECIDING:
            return _decide(rollout, standing)
    if rollout.wave < len(rollout.wave_sizes):
        return StartWave(rollout.wave + 1)
    if standing.all.open or standing.offerable:
        return _wait(rollout.plan, standing)
    watch = rollout.plan.watch_seconds
    until = standing.now + timedelta(seconds=watch) if watch else None
    return Complete(standing.evidence(standing.all, rollout.plan.stop_rule), until)


def _dispatching(rollout: Rollout, standing: Standing) -> Step:
    """A wave without devices is passed over; one that may still get some is waited for."""
    plan, wave = rollout.plan, standing.wave
    grows = rollout.target.dynamic and rollout.wave == len(rollout.wave_sizes)
    if wave.devices == 0 and not grows:
        return Promote(standing.evidence(wave, plan.stop_rule))
    if wave.devices == 0 or not _settled(standing):
        return _wait(plan, standing)
    return StartSoak(standing.now + timedelta(seconds=plan.soak_seconds))


def _decide(rollout: Rollout, standing: Standing) -> Step:
    plan, until = rollout.plan, rollout.phase_until
    if until is not None and standing.now < until:
        return _wait(plan, standing, until)
    if not _settled(standing):
        return _wait(plan, standing)
    evidence = standing.evidence(standing.wave, plan.stop_rule)
    success = standing.wave.success
    enough = success is not None and success >= plan.min_success
    if plan.automatic and enough and all(one.passes for one in standing.gates):
        return Promote(evidence)
    if rollout.phase is WavePhase.SOAKING:
        return AwaitDecision(evidence)
    return _wait(plan, standing)


def _settled(standing: Standing) -> bool:
    """Nothing is open, and who is still queued was not to be reached."""
    wave = standing.wave
    reached = wave.open == 0 and wave.queued == wave.offline
    return reached and (wave.judged > 0 or wave.queued == 0)


def _look_after(rollout: Rollout, standing: Standing) -> Step:
    """After completion."""
    watched = rollout.watch_until is not None and standing.now < rollout.watch_until
    stop = stop_of(rollout, standing) if watched else None
    if stop is not None:
        return Stop(*stop)
    if _room(rollout.plan, standing):
        return Dispatch(_room(rollout.plan, standing))
    return _wait(rollout.plan, standing)


def _take_back(rollout: Rollout, standing: Standing) -> Step:
    """Devices that are offline are waited for as long as an offer lasts; then it is called
    incomplete, and they are taken back when they come."""
    if standing.cancelable:
        return Cancel()
    if standing.revertible:
        return Revert(standing.revertible)
    whole = standing.all.not_taken_back == 0
    incomplete = rollout.status is RolloutStatus.ROLLBACK_INCOMPLETE
    over = rollout.phase_until is not None and standing.now >= rollout.phase_until
    if standing.all.open == 0 and (whole or (over and not incomplete)):
        return EndRollback(standing.evidence(standing.all, rollout.plan.stop_rule))
    return Wait(_first(standing.next_deadline, None if incomplete or over else rollout.phase_until))


def _room(plan: Plan, standing: Standing) -> int:
    """How many offers may go out now."""
    room = standing.offerable
    if plan.max_at_once is not None:
        room = min(room, plan.max_at_once - standing.all.open)
    if plan.max_per_minute is not None:
        room = min(room, plan.max_per_minute - standing.offered_last_minute)
    return max(room, 0)


def _wait(plan: Plan, standing: Standing, until: datetime | None = None) -> Wait:
    """Where only the limit per minute holds offers back, it is soon asked again."""
    again = None
    if standing.offerable and plan.max_per_minute is not None:
        again = standing.now + timedelta(seconds=max(1.0, 60 / plan.max_per_minute))
    return Wait(_first(until, again, standing.next_deadline))


def _first(*times: datetime | None) -> datetime | None:
    return min((one for one in times if one is not None), default=None)
