"""Health gates: do devices fare worse with the release than without it?

One number a device and metric, and the median over devices on each side, so that a few odd devices
decide nothing. The old side is measured over the same time by devices that still run what was
there before. Where too few of those are left, as in the last wave, what the devices measured of
themselves before they got the release stands for it too.

A ratio to almost nothing says nothing: below `LEAST` the old median counts as that much.
"""

from collections.abc import Sequence
from statistics import median

from domain.rollout_evidence import GateFinding
from domain.rollout_plan import HealthGate, HealthMetric

LEAST = {
    HealthMetric.LATENCY: 0.05,
    HealthMetric.ERROR_RATE: 0.01,
    HealthMetric.CRASH_RATE: 1.0,
    HealthMetric.MEMORY: 1.0,
}
"""In each metric's unit: ms, a share, starts an hour, bytes."""


def finding(gate: HealthGate, new: Sequence[float], old: Sequence[float]) -> GateFinding:
    """`new` and `old` have one number for each device that has reported."""
    enough = min(len(new), len(old)) >= max(1, gate.min_devices)
    ours, theirs = (median(new), median(old)) if enough else (None, None)
    passes = None
    if ours is not None and theirs is not None:
        passes = ours <= gate.max_ratio * max(theirs, LEAST[gate.metric])
    return GateFinding(gate.metric, ours, theirs, len(new), len(old), gate.max_ratio, passes)
