"""What a queued update waits for, in words."""

from application.platform import Platform
from domain.device import Device
from domain.rollout import Rollout
from domain.rollout_status import RolloutStatus
from domain.update import Update
from domain.update_state import UpdateState


def waits_for(platform: Platform, update: Update) -> str | None:
    """None where it does not wait, or nothing keeps it any more."""
    if update.state is not UpdateState.QUEUED:
        return None
    device = platform.log.find(Device, update.device_id)
    rollout = platform.log.find(Rollout, update.rollout_id)
    if device is None or rollout is None:
        return None
    holder = device.slot.rollout_id
    if holder is not None and holder != rollout.id:
        other = platform.log.find(Rollout, holder)
        name = f"“{other.name}” ({holder})" if other is not None else str(holder)
        return f"The device is being updated by the rollout {name}. This one goes on after that."
    if rollout.status is RolloutStatus.PAUSED:
        return "The rollout is paused. Resume it."
    if update.wave > rollout.wave and not update.forced:
        return f"Its wave, number {update.wave}, has not begun."
    if not device.online:
        return "The device is offline. It is offered the release when it is back."
    return "It is offered the release as soon as the plan's limits and window allow it."
