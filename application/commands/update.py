"""What the platform does to updates: it offers, takes back, cancels and gives up.

An offer changes two aggregates one after the other: the device's slot, which gives the counter and
keeps rollouts apart, then the update. Whoever is killed in between leaves a slot that the same act
finds taken by its own update, with the counter that the offer is to have: it goes on from there.

Many devices are acted on together: each decides for itself, and what they decided is read and saved
at once. Where somebody else changed one of them meanwhile, all are decided again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from application.commands.command import Request, command
from application.commands.device import device_of
from application.platform import Platform
from application.ports.rollouts import Place
from domain.device import Device
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from domain.rollout import Rollout
from domain.update import Update
from domain.update_state import Outcome, UpdateState
from edge.protocol.updates import Problem

ReleaseOf = Callable[[UUID], str | None]
"""The id of the release of a rollout."""


class Done(StrEnum):
    """What came of an act. HELD: another rollout has the device's slot. NOT_DUE: there is nothing
    to do any more."""

    OFFERED = "OFFERED"
    SKIPPED = "SKIPPED"
    HELD = "HELD"
    NOT_DUE = "NOT_DUE"


@command(Role.OPERATOR)
def offer_updates(
    platform: Platform,
    request: Request,
    *,
    places: Sequence[Place],
    rollout: Rollout,
    release_of: ReleaseOf,
) -> list[Done]:
    """A device that runs this release already is skipped."""
    pairs = _pairs(platform, places)
    release, expires_at = release_of(rollout.id), _expiry(platform, rollout)
    taken = [_slot_for(device, update, release, release_of) for update, device in pairs]
    platform.log.save(*(device for _, device in pairs))
    for (update, device), slot in zip(pairs, taken, strict=True):
        if isinstance(slot, int):
            update.offer(slot, device.slot.installed_by, expires_at)
        elif slot is Done.SKIPPED:
            update.settle(update.attempt, Outcome.SKIPPED, None, None, release, attempts=0)
        elif device.decommissioned:
            update.cancel()
    platform.log.save(*(update for update, _ in pairs))
    return [Done.OFFERED if isinstance(slot, int) else slot for slot in taken]


@command(Role.OPERATOR)
def offer_reverts(
    platform: Platform,
    request: Request,
    *,
    places: Sequence[Place],
    rollout: Rollout,
    release_of: ReleaseOf,
) -> list[Done]:
    """A newly signed offer of what the device ran before; of nothing, where it ran nothing."""
    pairs = _pairs(platform, places)
    expires_at = _expiry(platform, rollout)
    taken = [_slot_for_revert(device, update) for update, device in pairs]
    platform.log.save(*(device for _, device in pairs))
    for (update, _), slot in zip(pairs, taken, strict=True):
        if isinstance(slot, int):
            before = None if update.previous is None else release_of(update.previous)
            update.revert(slot, before, expires_at)
    platform.log.save(*(update for update, _ in pairs))
    return [Done.OFFERED if isinstance(slot, int) else slot for slot in taken]


@command(Role.OPERATOR)
def expire_updates(
    platform: Platform, request: Request, *, places: Sequence[Place], now: datetime
) -> int:
    """How many were over; `now` is by the clock by which they were found to be."""
    found = list(platform.log.find_all(Update, [one.update_id for one in places]).values())
    for update in found:
        update.expire(now)
    over = sum(bool(update.pending_events) for update in found)
    platform.log.save(*found)
    return over


@command(Role.OPERATOR)
def cancel_updates(platform: Platform, request: Request, *, places: Sequence[Place]) -> None:
    found = platform.log.find_all(Update, [one.update_id for one in places])
    for update in found.values():
        update.cancel()
    platform.log.save(*found.values())


@command(Role.OPERATOR)
def free_slot(platform: Platform, request: Request, *, settled: Update.Settled) -> None:
    """The device may be updated again, once its update has ended. What it runs now follows from how
    it ended. Whoever waited for the slot is woken."""
    # The device first: an offer that is made after it was read makes this save conflict.
    device = device_of(platform, settled.device_id)
    update = _update(platform, settled.originator_id)
    if update.state.under_way or update.state is UpdateState.QUEUED:
        return
    device.clear_update(update.id, _runs_now(device, update, settled), update.counter)
    platform.log.save(device)
    platform.fleet.wakes.wake_waiting(request.tenant_id, device.id)


def _runs_now(device: Device, update: Update, settled: Update.Settled) -> UUID | None:
    """The rollout that what it runs is of."""
    match settled.outcome:
        case Outcome.CONFIRMED:
            return update.rollout_id
        case Outcome.REVERTED:
            return update.previous
    went_back = settled.outcome is Outcome.LOCAL_ROLLED_BACK or settled.code == Problem.BETRAYED
    if went_back and device.slot.installed_by == update.rollout_id:
        return update.previous
    return device.slot.installed_by


def _slot_for(
    device: Device, update: Update, release: str | None, release_of: ReleaseOf
) -> int | Done:
    """The counter of the offer, or why there is none."""
    if update.state is not UpdateState.QUEUED or device.decommissioned:
        return Done.NOT_DUE
    runs = device.slot.installed_by
    if runs is not None and device.slot.update_id is None and release_of(runs) == release:
        return Done.SKIPPED
    return _assigned(device, update)


def _slot_for_revert(device: Device, update: Update) -> int | Done:
    """What another rollout has replaced since is not taken back."""
    replaced = (
        update.state is UpdateState.CONFIRMED
        and device.slot.installed_by != update.rollout_id
        and device.slot.update_id != update.id
    )
    if not update.state.may_be_reverted or device.decommissioned or replaced:
        return Done.NOT_DUE
    return _assigned(device, update)


def _assigned(device: Device, update: Update) -> int | Done:
    """The counter of the next offer."""
    used = device.slot.update_id == update.id and device.slot.counter == update.counter
    try:
        return device.assign_update(update.id, update.rollout_id, again=used)
    except Refusal as refusal:
        if refusal.code is RefusalCode.CONFLICT:
            return Done.HELD
        raise


def _pairs(platform: Platform, places: Sequence[Place]) -> list[tuple[Update, Device]]:
    """Read at once: a turn for each would take most of the time."""
    updates = platform.log.find_all(Update, [one.update_id for one in places])
    devices = platform.log.find_all(Device, [one.device_id for one in places])
    return [(updates[one.update_id], devices[one.device_id]) for one in places]


def _expiry(platform: Platform, rollout: Rollout) -> datetime:
    return platform.now() + timedelta(seconds=rollout.plan.offer_seconds)


def _update(platform: Platform, update_id: UUID) -> Update:
    update = platform.log.find(Update, update_id)
    assert update is not None, f"there is no update {update_id}"
    return update
