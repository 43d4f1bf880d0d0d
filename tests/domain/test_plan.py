"""The plans, exactly."""

import pytest

from domain.plan import LIMITS, Limits, Plan, QuotaKind


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        (Plan.FREE, Limits(3, 5, 10, 100_000_000)),
        (Plan.STARTER, Limits(20, 50, 100, 500_000_000)),
        (Plan.PRO, Limits(100, 500, 1_000, 2_000_000_000)),
        (Plan.ENTERPRISE, Limits(None, None, None, 10_000_000_000)),
    ],
)
def test_each_plan_allows_exactly_what_it_says(plan: Plan, limits: Limits) -> None:
    assert LIMITS[plan] == limits


def test_optimizations_and_benchmarks_count_by_month_and_models_while_they_live() -> None:
    assert [kind for kind in QuotaKind if kind.monthly] == [
        QuotaKind.OPTIMIZATIONS,
        QuotaKind.BENCHMARKS,
    ]
