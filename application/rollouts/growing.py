"""Devices that come to be meant by a rollout with a dynamic target: they join its last wave."""

from application.platform import Platform
from application.rollouts.meant import meant_by
from application.rollouts.preparing import queue
from domain.rollout import Rollout
from domain.rollout_status import RolloutStatus


def add_newcomers(platform: Platform, rollout: Rollout) -> bool:
    """Whether there were some."""
    if not rollout.target.dynamic or rollout.status is not RolloutStatus.RUNNING:
        return False
    known = platform.fleet.progress.queued(rollout.tenant_id, rollout.id)
    meant = meant_by(platform, rollout.tenant_id, rollout.target, rollout.release.compatibility)
    newcomers = [one for one in meant.ids if one not in known]
    queue(platform, rollout, newcomers, len(rollout.wave_sizes), rollout.release.id)
    return bool(newcomers)
