"""What a rollout would do if it was approved now: who is affected, what conflicts, how many bytes,
and about how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

from application.platform import Platform
from application.ports.rollouts import Elsewhere
from application.rollouts.meant import Meant, Misfit, meant_by
from domain.release import Release
from domain.rollout_plan import Plan, Target
from domain.rollout_waves import wave_sizes

ASSUMED_BANDWIDTH = 1_000_000
"""Bytes per second of a device, where the plan sets no limit."""
ASSUMED_INSTALL = 15.0
"""Seconds that verifying, switching and starting take."""


@dataclass(frozen=True, slots=True)
class DryWave:
    """`seconds` is estimated: offers, downloads, probation and soak."""

    wave: int
    devices: int
    online: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DryRun:
    """`bytes` are all downloads together, without golden inputs, which are not made yet. `left_out`
    are in the target and cannot take the release; `conflicts` are with rollouts that have not
    ended: those devices wait. `estimated_seconds` holds for devices that are online, and goes by
    `assumptions`."""

    devices: int
    online: int
    waves: tuple[DryWave, ...]
    left_out: tuple[Misfit, ...]
    conflicts: tuple[Elsewhere, ...]
    installed_already: int
    bytes: int
    estimated_seconds: float
    assumptions: tuple[str, ...]


def dry_run_of(
    platform: Platform,
    tenant_id: UUID,
    release: Release,
    target: Target,
    plan: Plan,
    rollout_id: UUID | None,
) -> DryRun:
    """An empty target is no error here: nobody is affected then."""
    meant = meant_by(platform, tenant_id, target, release.compatibility)
    waves = _waves(release, plan, meant)
    conflicts: Sequence[Elsewhere] = ()
    if meant.devices:
        conflicts = platform.fleet.devices.elsewhere(tenant_id, meant.ids, rollout_id)
    installed = sum(
        rollout_id is not None and one.installed_by == rollout_id for one in meant.devices
    )
    return DryRun(
        devices=len(meant.devices),
        online=sum(one.online for one in meant.devices),
        waves=waves,
        left_out=meant.left_out,
        conflicts=tuple(conflicts),
        installed_already=installed,
        bytes=release.bytes * (len(meant.devices) - installed),
        estimated_seconds=sum(one.seconds for one in waves),
        assumptions=_assumptions(plan),
    )


def _waves(release: Release, plan: Plan, meant: Meant) -> tuple[DryWave, ...]:
    """Which devices come first is drawn for each rollout: who is online is counted evenly."""
    if not meant.devices:
        return ()
    share = sum(one.online for one in meant.devices) / len(meant.devices)
    return tuple(
        DryWave(number, size, round(size * share), _seconds(release, plan, size))
        for number, size in enumerate(wave_sizes(plan.waves, len(meant.devices)), 1)
    )


def _seconds(release: Release, plan: Plan, devices: int) -> float:
    if not devices:
        return 0.0
    one = release.bytes / (plan.bandwidth or ASSUMED_BANDWIDTH)
    one += ASSUMED_INSTALL + plan.probation_seconds
    turns = ceil(devices / plan.max_at_once) if plan.max_at_once else 1
    offering = 60.0 * (devices - 1) / plan.max_per_minute if plan.max_per_minute else 0.0
    return max(turns * one, offering + one) + plan.soak_seconds


def _assumptions(plan: Plan) -> tuple[str, ...]:
    rate = plan.bandwidth or ASSUMED_BANDWIDTH
    told = [
        f"each device downloads {rate:,} bytes per second and installs in {ASSUMED_INSTALL:g} s",
        "no device is offline, fails or is tried again",
    ]
    if plan.window is not None:
        told.append("waiting for maintenance windows is not counted")
    if not plan.automatic:
        told.append("waves are promoted as soon as they have soaked")
    return tuple(told)
