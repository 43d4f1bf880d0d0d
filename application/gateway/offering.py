"""A device's one current offer, as the device is told it: built when it is asked for, so that it is
signed at that moment and one that ended is told to nobody."""

from datetime import datetime
from uuid import UUID

from application.platform import Platform
from domain.device import Device
from domain.release import Release
from domain.rollout import Rollout
from domain.update import Update
from domain.update_state import UpdateState
from edge.protocol.topics import Address
from edge.protocol.updates import Action, Offer, OfferedComponent, OfferedFile, target_path


def current_offer(platform: Platform, device: Device, now: datetime) -> Offer | None:
    """Reads within the tenant of the acting cause."""
    slot = device.slot
    update = None if slot.update_id is None else platform.log.find(Update, slot.update_id)
    if (
        update is None
        or update.counter != slot.counter
        or not update.state.under_way
        or update.expires_at is None
        or update.expires_at <= now
        or device.decommissioned
    ):
        return None
    rollout = platform.log.find(Rollout, update.rollout_id)
    assert rollout is not None
    if update.state is UpdateState.REVERTING:
        before = _release_of(platform, update.previous)
        return _offer(device, update, rollout, before, now, Action.REVERT)
    return _offer(device, update, rollout, rollout.release, now, Action.INSTALL)


def _release_of(platform: Platform, rollout_id: UUID | None) -> Release | None:
    found = None if rollout_id is None else platform.log.find(Rollout, rollout_id)
    return None if found is None else found.release


def _offer(
    device: Device,
    update: Update,
    rollout: Rollout,
    release: Release | None,
    now: datetime,
    action: Action,
) -> Offer:
    """Going back waits for no window, and asks for nothing: it ran there before."""
    assert update.expires_at is not None
    plan, forward = rollout.plan, action is Action.INSTALL
    window = plan.window if forward and not update.forced else None
    return Offer(
        address=Address(device.tenant_id, device.id),
        update=update.id,
        rollout=rollout.id,
        attempt=update.attempt,
        counter=update.counter,
        action=action,
        release=None if release is None else release.id,
        components=() if release is None else _components(release),
        files=() if release is None else _files(release),
        min_cosine=release.golden.min_cosine if release and release.golden else 0.0,
        issued_at=now.timestamp(),
        expires_at=update.expires_at.timestamp(),
        probation_seconds=plan.probation_seconds,
        bandwidth=plan.bandwidth,
        window=None if window is None else (window.from_minute, window.to_minute),
        requires=_requires(release) if release is not None and forward else None,
    )


def _components(release: Release) -> tuple[OfferedComponent, ...]:
    return tuple(
        OfferedComponent(str(one.kind), one.name, one.format, one.configuration)
        for one in release.components
    )


def _files(release: Release) -> tuple[OfferedFile, ...]:
    """The golden file belongs to no component."""
    owned = [(one.name, file) for one in release.components for file in one.files]
    if release.golden is not None:
        owned.append(("", release.golden.file))
    return tuple(
        OfferedFile(owner, file.path, target_path(file.sha256), file.sha256, file.bytes)
        for owner, file in owned
    )


def _requires(release: Release) -> dict[str, object] | None:
    asked = release.compatibility
    given: dict[str, object] = {
        "architectures": list(asked.architectures),
        "runtimes": list(asked.runtimes),
        "min_agent": asked.min_agent,
    }
    return {name: value for name, value in given.items() if value} or None
