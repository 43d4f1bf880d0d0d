"""Where the devices of a rollout stand, for whoever decides (`domain.rollout_steps`)."""

from datetime import datetime

from application.platform import Platform
from application.ports.rollouts import Reading
from domain.refusal import Refusal, RefusalCode
from domain.rollout import Rollout
from domain.rollout_evidence import GateFinding
from domain.rollout_standing import Standing
from domain.rollout_window import is_open, opens_at


def read(platform: Platform, rollout: Rollout, after: int = 0) -> Reading | None:
    """None where the views lag behind the position `after`."""
    return platform.fleet.progress.read(
        rollout.tenant_id,
        rollout.id,
        rollout.wave,
        judged_after=rollout.judged_after,
        after=after,
    )


def standing_of(platform: Platform, rollout: Rollout) -> Standing:
    """Raises Refusal(PROJECTION_LAGGING)."""
    reading = read(platform, rollout)
    if reading is None:
        raise Refusal(
            RefusalCode.PROJECTION_LAGGING,
            "What devices have reported is still being counted. Try again in a moment.",
        )
    return standing_from(rollout, reading)


def open_offsets(rollout: Rollout, reading: Reading) -> list[int]:
    """The clocks, by their offset from UTC in minutes, by which devices may be updated now."""
    window = rollout.plan.window
    return [
        offset for offset in reading.ready if window is None or is_open(window, reading.now, offset)
    ]


def standing_from(
    rollout: Rollout, reading: Reading, gates: tuple[GateFinding, ...] = ()
) -> Standing:
    offerable = reading.forced + sum(reading.ready[one] for one in open_offsets(rollout, reading))
    return Standing(
        now=reading.now,
        position=reading.position,
        wave=reading.wave,
        all=reading.all,
        outcomes=reading.outcomes,
        gates=gates,
        offered_last_minute=reading.offered_last_minute,
        offerable=offerable,
        cancelable=reading.cancelable,
        revertible=reading.revertible,
        next_deadline=_deadline(rollout, reading),
    )


def _deadline(rollout: Rollout, reading: Reading) -> datetime | None:
    """When the next offer expires, or the next window opens."""
    moments = [] if reading.deadline is None else [reading.deadline]
    window = rollout.plan.window
    if window is not None:
        moments += [opens_at(window, reading.now, offset) for offset in reading.ready]
    return min((one for one in moments if one > reading.now), default=reading.deadline)
