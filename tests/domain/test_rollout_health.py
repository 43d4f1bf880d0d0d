"""Health gates: medians beside each other."""

import pytest

from domain.rollout_health import finding
from domain.rollout_plan import HealthGate, HealthMetric

LATENCY = HealthGate(HealthMetric.LATENCY, 1.25, 3)


@pytest.mark.parametrize(
    ("new", "old", "passes"),
    [
        ([10, 11, 12], [10, 10, 10], True),
        ([10, 13, 14], [10, 10, 10], False),
        ([12.5, 12.5, 12.5], [10, 10, 10], True),
        ([10, 10, 999], [10, 10, 10], True),
        ([99, 99], [10, 10, 10], None),
        ([99, 99, 99], [10, 10], None),
        ([], [], None),
    ],
)
def test_the_new_median_may_be_so_many_times_the_old_once_enough_have_reported(
    new: list[float], old: list[float], passes: bool | None
) -> None:
    found = finding(LATENCY, new, old)
    assert found.passes is passes
    assert (found.new_devices, found.old_devices) == (len(new), len(old))
    assert (found.new is None) == (passes is None)


@pytest.mark.parametrize(
    ("metric", "new", "passes"),
    [
        (HealthMetric.CRASH_RATE, 1.0, True),
        (HealthMetric.CRASH_RATE, 12.0, False),
        (HealthMetric.ERROR_RATE, 0.01, True),
        (HealthMetric.ERROR_RATE, 0.05, False),
        (HealthMetric.LATENCY, 0.02, True),
    ],
)
def test_what_was_almost_nothing_may_become_a_little(
    metric: HealthMetric, new: float, passes: bool
) -> None:
    assert finding(HealthGate(metric), [new] * 3, [0.0] * 3).passes is passes
