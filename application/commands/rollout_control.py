"""Commands on a rollout that is under way: pause, resume, promote, abort; retry and force."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.commands.command import Receipt, Request, command, load
from application.commands.device import device_of
from application.commands.rollout import rollout_of
from application.platform import Platform
from application.rollouts.standing import standing_of
from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, invalid
from domain.rollout import Rollout
from domain.rollout_plan import MOST_NAMED
from domain.rollout_status import PauseReason, RolloutStatus
from domain.update import Update, update_id
from domain.update_state import UpdateState

MOST_RETRIED = 10_000
_RETRIES = (RolloutStatus.RUNNING, RolloutStatus.PAUSED, RolloutStatus.COMPLETED)
_BEFORE_RUNNING = (RolloutStatus.DRAFT, RolloutStatus.PENDING_APPROVAL, RolloutStatus.APPROVED)


@dataclass(frozen=True, slots=True)
class Retried:
    """`devices` are tried again; position of the last event."""

    id: UUID
    position: int
    devices: int


@command(Role.OPERATOR)
def pause_rollout(
    platform: Platform, request: Request, *, rollout_id: UUID, message: str | None = None
) -> Receipt:
    """Nothing new is offered; what devices have begun goes on."""
    rollout = rollout_of(platform, rollout_id)
    rollout.pause(PauseReason.BY_HAND, _said(message))
    return Receipt(rollout_id, platform.log.save(rollout))


@command(Role.OPERATOR)
def resume_rollout(platform: Platform, request: Request, *, rollout_id: UUID) -> Receipt:
    """Who resumes one that stopped by its evidence overrules what was known until then."""
    rollout = rollout_of(platform, rollout_id)
    rollout.resume()
    return Receipt(rollout_id, platform.log.save(rollout))


@command(Role.OPERATOR)
def promote_rollout(platform: Platform, request: Request, *, rollout_id: UUID) -> Receipt:
    """Begins the next wave, or completes it after the last: also before the present one has
    soaked."""
    rollout = rollout_of(platform, rollout_id)
    standing = standing_of(platform, rollout)
    rollout.promote(standing.evidence(standing.wave, rollout.plan.stop_rule))
    return Receipt(rollout_id, platform.log.save(rollout))


@command(Role.OPERATOR)
def abort_rollout(
    platform: Platform,
    request: Request,
    *,
    rollout_id: UUID,
    revert: bool,
    message: str | None = None,
) -> Receipt:
    """For good. `revert`: what is installed is taken back, also of one that was completed; else it
    stays."""
    rollout, message = rollout_of(platform, rollout_id), _said(message)
    if revert and rollout.wave > 0:
        rollout.start_rollback(PauseReason.BY_HAND, message)
    else:
        rollout.abort(message)
    return Receipt(rollout_id, platform.log.save(rollout))


@command(Role.OPERATOR)
def retry_updates(
    platform: Platform,
    request: Request,
    *,
    rollout_id: UUID,
    device_ids: Sequence[UUID] = (),
) -> Retried:
    """Tries those devices again, or all that failed. One that is being tried is left as it is."""
    if len(device_ids) > MOST_NAMED:
        raise invalid("deviceIds", f"Name at most {MOST_NAMED:,} devices, or none for all.")
    rollout = rollout_of(platform, rollout_id)
    if rollout.status not in _RETRIES:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The rollout is {rollout.status}: nothing is offered any more. Draft a new one.",
            "rolloutId",
        )
    position = platform.log.save(rollout)
    if device_ids:
        wanted = [update_id(rollout_id, one) for one in dict.fromkeys(device_ids)]
    else:
        found = platform.fleet.progress.failed(request.tenant_id, rollout_id, MOST_RETRIED)
        wanted = [one.update_id for one in found]
    tried = 0
    for one in wanted:
        update = load(platform, Update, one, "device in this rollout", "deviceIds")
        if update.state.may_be_retried or (device_ids and not _is_tried(update)):
            update.retry()
            position = platform.log.save(update)
            tried += 1
    return Retried(rollout_id, position, tried)


@command(Role.OPERATOR)
def force_update(
    platform: Platform, request: Request, *, rollout_id: UUID, device_id: UUID
) -> Receipt:
    """Offers it to this device now: before its wave, outside its window. Still one at a time."""
    rollout = rollout_of(platform, rollout_id)
    _require_prepared(rollout)
    device_of(platform, device_id)
    wanted = update_id(rollout_id, device_id)
    update = load(platform, Update, wanted, "device in this rollout", "deviceId")
    update.force()
    return Receipt(wanted, platform.log.save(update))


def _said(message: str | None) -> str | None:
    return None if message is None else checked_name(message, "message")


def _is_tried(update: Update) -> bool:
    return update.state.under_way or update.state is UpdateState.QUEUED


def _require_prepared(rollout: Rollout) -> None:
    if rollout.status in _BEFORE_RUNNING:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The rollout is {rollout.status}: its first wave has not begun. Start it first.",
            "rolloutId",
        )
    if rollout.status not in _RETRIES:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The rollout is {rollout.status}: nothing is offered any more. Draft a new one.",
            "rolloutId",
        )
    if rollout.status is RolloutStatus.PAUSED:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            "The rollout is paused. Resume it, then force the device.",
            "rolloutId",
        )
