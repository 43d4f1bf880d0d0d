"""What may follow what in a rollout and in its updates; every event is checked against it."""

from collections.abc import Iterator

from domain.rollout import Rollout
from domain.rollout_status import RolloutStatus
from domain.update import MOST_IGNORED, Update
from domain.update_state import UpdateState

U, R = UpdateState, RolloutStatus
BEFORE = frozenset(UpdateState.before_installing())
_INSTALLING = frozenset({U.INSTALLING, U.PROBATION})
_ENDS = frozenset({U.CONFIRMED, U.REJECTED, U.FAILED, U.TIMED_OUT, U.LOST, U.LOCAL_ROLLED_BACK})
_DONE = frozenset({U.CANCELED, U.SKIPPED})
_LATE = frozenset({U.CONFIRMED, U.LOCAL_ROLLED_BACK})
FOLLOWS: dict[UpdateState, frozenset[UpdateState]] = {
    U.QUEUED: _DONE | {U.OFFERED},
    **{one: BEFORE | _INSTALLING | _ENDS | _DONE | {U.QUEUED} for one in BEFORE},
    **{one: _INSTALLING | _ENDS | {U.QUEUED, U.REVERTING} for one in _INSTALLING},
    U.CONFIRMED: frozenset({U.LOCAL_ROLLED_BACK, U.FAILED, U.REVERTING}),
    U.LOST: _LATE | {U.QUEUED, U.REVERTING, U.REVERTED},
    U.TIMED_OUT: _LATE | {U.QUEUED, U.REVERTING, U.REVERTED},
    U.FAILED: frozenset({U.QUEUED}),
    U.LOCAL_ROLLED_BACK: frozenset({U.QUEUED}),
    U.CANCELED: _LATE,
    U.REVERTING: frozenset({U.REVERTED, U.FAILED, U.TIMED_OUT, U.LOST}),
    U.REJECTED: frozenset(),
    U.SKIPPED: frozenset(),
    U.REVERTED: frozenset(),
}
_BACK = frozenset({R.ROLLING_BACK})
GOES: dict[RolloutStatus, frozenset[RolloutStatus]] = {
    R.DRAFT: frozenset({R.PENDING_APPROVAL, R.APPROVED, R.ABORTED}),
    R.PENDING_APPROVAL: frozenset({R.APPROVED, R.ABORTED}),
    R.APPROVED: frozenset({R.RUNNING, R.PAUSED, R.ABORTED}),
    R.RUNNING: _BACK | {R.PAUSED, R.COMPLETED, R.ABORTED},
    R.PAUSED: _BACK | {R.APPROVED, R.RUNNING, R.COMPLETED, R.ABORTED},
    R.COMPLETED: _BACK | {R.PAUSED},
    R.ABORTED: _BACK,
    R.ROLLING_BACK: frozenset({R.ROLLED_BACK, R.ROLLBACK_INCOMPLETE}),
    R.ROLLBACK_INCOMPLETE: frozenset({R.ROLLED_BACK}),
    R.ROLLED_BACK: frozenset(),
}


class Violation(AssertionError):
    """Something happened that must never happen."""


def followed(update: Update, before: UpdateState) -> Iterator[object]:
    """The events of an update that are not stored yet, each after it was checked. Raises
    Violation."""
    state = before
    for event in update.collect_events():
        now = _state_after(event, state)
        if now is not state and now not in FOLLOWS[state]:
            raise Violation(f"{now} after {state}")
        state = now
        yield event
    if update.state is not state:
        raise Violation("the state changed without an event")
    if update.ignored > MOST_IGNORED:
        raise Violation("what is ignored grows without bound")


def decided(rollout: Rollout, status: RolloutStatus, wave: int) -> Iterator[object]:
    """As `followed`, of a rollout that was in this status and wave."""
    for event in rollout.collect_events():
        now = _status_after(event, status)
        if now is not status and now not in GOES[status]:
            raise Violation(f"{now} after {status}")
        if isinstance(event, Rollout.WaveStarted):
            if event.wave != wave + 1:
                raise Violation(f"wave {event.wave} after wave {wave}")
            wave = event.wave
        status = now
        yield event
    if (rollout.status, rollout.wave) != (status, wave):
        raise Violation("status or wave changed without an event")


def has_it(update: Update) -> bool:
    if update.reverting:
        return update.state is not U.REVERTED
    return update.state in (U.CONFIRMED, U.LOST, U.INSTALLING, U.PROBATION)


def _state_after(event: object, state: UpdateState) -> UpdateState:
    match event:
        case Update.Settled():
            return UpdateState(event.outcome)
        case Update.Advanced():
            return UpdateState(event.stage)
        case Update.Offered():
            return U.OFFERED
        case Update.RevertOffered():
            return U.REVERTING
        case Update.RetryScheduled() | Update.Queued():
            return U.QUEUED
    return state


def _status_after(event: object, status: RolloutStatus) -> RolloutStatus:
    match event:
        case Rollout.WaveStarted():
            return R.RUNNING
        case Rollout.Paused():
            return R.PAUSED
        case Rollout.Resumed():
            return event.status
        case Rollout.RollbackStarted():
            return R.ROLLING_BACK
        case Rollout.RolledBack():
            return R.ROLLED_BACK
        case Rollout.RollbackLeftIncomplete():
            return R.ROLLBACK_INCOMPLETE
        case Rollout.Completed():
            return R.COMPLETED
        case Rollout.Aborted():
            return R.ABORTED
    return status
