"""Given what was spent, when one more unit is asked for, then it is spent or refused."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cause import Cause, acting
from domain.plan import Plan, QuotaKind
from domain.quota import Quota, period_of, resets_at
from domain.refusal import Refusal, RefusalCode

TENANT = UUID("11111111-1111-4111-8111-111111111111")


def opened() -> Quota:
    return Quota.open(TENANT, QuotaKind.OPTIMIZATIONS, "2026-11")


def test_a_unit_links_to_the_event_that_spent_it() -> None:
    quota, job = opened(), uuid4()
    quota.spend(job, f"{job}/1", Plan.FREE, 5)
    spent = quota.pending_events[-1]
    assert isinstance(spent, Quota.Spent)
    assert (spent.subject, spent.spent_by) == (job, f"{job}/1")


def test_a_refusal_names_the_limit_the_use_and_the_reset() -> None:
    quota = opened()
    for _ in range(5):
        quota.spend(uuid4(), "x/1", Plan.FREE, 5)
    with pytest.raises(Refusal) as refused:
        quota.spend(uuid4(), "x/1", Plan.FREE, 5)
    assert refused.value.code is RefusalCode.QUOTA_EXCEEDED
    assert "allows 5 optimizations; 5 are used" in refused.value.message
    assert "2026-12-01 00:00 UTC" in refused.value.message


def test_spending_twice_on_one_subject_spends_once() -> None:
    quota, job = opened(), uuid4()
    quota.spend(job, "x/1", Plan.FREE, 1)
    quota.spend(job, "x/1", Plan.FREE, 1)
    assert quota.subjects == [job]


def test_a_unit_is_returned_once_and_can_be_spent_again() -> None:
    quota, job = opened(), uuid4()
    quota.spend(job, "x/1", Plan.FREE, 1)
    quota.give_back(job, "failed through our fault")
    quota.give_back(job, "failed through our fault")
    assert quota.subjects == []
    assert sum(isinstance(event, Quota.Returned) for event in quota.pending_events) == 1
    quota.spend(uuid4(), "y/1", Plan.FREE, 1)


def test_an_unlimited_plan_never_refuses() -> None:
    quota = opened()
    for _ in range(200):
        quota.spend(uuid4(), "x/1", Plan.ENTERPRISE, None)
    assert len(quota.subjects) == 200


def test_the_month_is_that_of_utc() -> None:
    late = datetime(2026, 12, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert period_of(QuotaKind.BENCHMARKS, late) == "2026-11"
    assert period_of(QuotaKind.MODELS, late) == "life"


def test_december_resets_in_january() -> None:
    assert resets_at("2026-12") == datetime(2027, 1, 1, tzinfo=UTC)
    assert resets_at("life") is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=60), st.integers(0, 5))
def test_no_order_of_spending_and_returning_overspends(
    steps: list[tuple[bool, int]], limit: int
) -> None:
    subjects = [uuid4() for _ in range(7)]
    with acting(Cause(TENANT, "key:test", "request:1", "1")):
        quota = opened()
        for spend, which in steps:
            if spend:
                try:
                    quota.spend(subjects[which], "x/1", Plan.FREE, limit)
                except Refusal:
                    assert len(quota.subjects) >= limit
            else:
                quota.give_back(subjects[which], "test")
            assert len(quota.subjects) <= limit
            assert len(set(quota.subjects)) == len(quota.subjects)
