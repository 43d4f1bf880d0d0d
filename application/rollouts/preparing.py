"""Making a rollout ready: what its health is judged by, the files published, every device queued.

Each part changes nothing when it is done again, so whoever is killed on the way is followed by one
who begins anew.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from application.commands.rollout_order import require_artifacts
from application.platform import Platform
from application.ports.event_log import ConcurrentChange
from application.ports.trusted_targets import Target
from domain.release import Golden
from domain.rollout import Rollout
from domain.rollout_waves import draw_waves
from domain.update import Update, update_id

MakeGolden = Callable[[Platform, Rollout], Golden | None]
"""Raises Refusal, EngineRefusal or EngineCrashed where it cannot be made."""
CHUNK = 250


def prepare(platform: Platform, make_golden: MakeGolden, rollout: Rollout) -> None:
    """Raises what `MakeGolden` and `TrustedTargets` raise."""
    require_artifacts(platform, rollout.release)
    golden = make_golden(platform, rollout)
    release = rollout.release.with_golden(golden)
    files = {one.sha256: one for one in release.files}.values()
    targets = [Target.of(one.sha256, one.bytes) for one in files]
    if targets:
        platform.trusted_targets.publish(rollout.tenant_id, targets)
    assert rollout.members is not None
    members = platform.fleet.members.find(rollout.tenant_id, rollout.members)
    waves = draw_waves(rollout.id, members, rollout.wave_sizes)
    for number, devices in enumerate(waves, 1):
        queue(platform, rollout, devices, number, release.id)
    rollout.prepared(golden)
    platform.log.save(rollout)


def queue(
    platform: Platform, rollout: Rollout, devices: Sequence[UUID], wave: int, release_id: str
) -> None:
    """An update for each that has none. Many are saved together: they are new, and nobody else
    makes others of them."""
    for some in _chunks(devices):
        made = [Update.queue(rollout.id, device, wave, release_id) for device in some]
        try:
            platform.log.save(*made)
        except ConcurrentChange:
            for one in made:
                if platform.log.find(Update, one.id) is None:
                    queue_one(platform, rollout, one.device_id, wave, release_id)


def queue_one(
    platform: Platform, rollout: Rollout, device_id: UUID, wave: int, release_id: str
) -> None:
    if platform.log.find(Update, update_id(rollout.id, device_id)) is None:
        try:
            platform.log.save(Update.queue(rollout.id, device_id, wave, release_id))
        except ConcurrentChange:
            pass  # somebody made it just now


def _chunks(devices: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for begin in range(0, len(devices), CHUNK):
        yield devices[begin : begin + CHUNK]
