"""When failures are too many, and what another rule would have said."""

import math
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rollout_plan import StopRule, StopRuleKind
from domain.rollout_replay import Past, replay
from domain.stop_rule import judge
from tests.domain.rollouts import NOW

OUTCOMES = st.lists(st.booleans(), max_size=300)
E = StopRule()
PERCENT = StopRule(StopRuleKind.PERCENTAGE, max_rate=0.1, min_count=20)
RULES = st.sampled_from([E, PERCENT, StopRule(healthy_rate=0.3, alpha=0.01)])


def failures(rate: float, devices: int, seed: int) -> list[bool]:
    draw = random.Random(seed)
    return [draw.random() < rate for _ in range(devices)]


def test_without_outcomes_there_is_no_evidence() -> None:
    found = judge(E, [])
    assert (found.value, found.limit, found.stops) == (pytest.approx(1), 20, False)
    assert judge(PERCENT, []).value == 0


@given(st.floats(0.001, 0.5), st.integers(0, 40))
def test_on_average_a_healthy_release_never_gains_evidence(rate: float, good: int) -> None:
    """The e-value's mean over the next outcome is at most what it is now."""
    rule = StopRule(healthy_rate=rate, alpha=1e-12)
    now = judge(rule, [False] * good).value
    then = rate * judge(rule, [*([False] * good), True]).value
    then += (1 - rate) * judge(rule, [False] * (good + 1)).value
    assert then == pytest.approx(now, rel=1e-9)


def test_a_healthy_release_is_stopped_in_at_most_alpha_of_all_rollouts() -> None:
    stopped = sum(judge(E, failures(0.02, 1_000, seed)).stops for seed in range(2_000))
    assert stopped / 2_000 <= 0.05


@pytest.mark.parametrize(("rate", "most"), [(0.1, 50), (0.3, 8), (1.0, 2)])
def test_a_release_that_fails_is_stopped_soon(rate: float, most: int) -> None:
    found = sorted(judge(E, failures(rate, 1_000, seed)).outcomes for seed in range(400))
    assert found[200] <= most


@given(RULES, OUTCOMES, OUTCOMES)
def test_what_has_stopped_stays_stopped_whatever_comes(
    rule: StopRule, first: list[bool], later: list[bool]
) -> None:
    found = judge(rule, first)
    if found.stops:
        assert judge(rule, first + later) == found


@given(RULES, OUTCOMES)
def test_the_finding_tells_the_first_outcome_at_which_it_stops(
    rule: StopRule, outcomes: list[bool]
) -> None:
    found = judge(rule, outcomes)
    assert found.failures == sum(outcomes[: found.outcomes])
    assert math.isfinite(found.value)
    if found.stops:
        assert not judge(rule, outcomes[: found.outcomes - 1]).stops
    else:
        assert found.outcomes == len(outcomes)


def test_ten_thousand_failures_are_still_a_number() -> None:
    never = StopRule(alpha=1e-299)
    assert math.isfinite(judge(never, [True] * 10_000).value)


def test_a_percentage_is_not_judged_before_its_least_count() -> None:
    assert not judge(PERCENT, [True] * 19).stops
    assert judge(PERCENT, [True] * 20).stops
    early = [True] * 3 + [False] * 17
    assert judge(PERCENT, early).outcomes == 20
    assert judge(PERCENT, early).stops
    assert not judge(PERCENT, [True] * 2 + [False] * 18).stops


def test_a_past_rollout_is_judged_by_another_rule() -> None:
    bad = [False] * 5 + [True, False, True, True] + [True] * 30
    past = [Past(NOW + timedelta(minutes=at), one, at + 4) for at, one in enumerate(bad)]
    found = replay(E, past)
    assert found.finding.stops
    assert found.finding.outcomes == 9
    assert (found.stops_at, found.exposed) == (NOW + timedelta(minutes=8), 12)
    assert (found.outcomes, found.failures, found.spared) == (39, 33, 30)
    slower = replay(PERCENT, past)
    assert (slower.finding.outcomes, slower.exposed) == (20, 23)


def test_a_rule_that_does_not_stop_spares_nobody() -> None:
    found = replay(E, [Past(NOW, False, 1)] * 10)
    assert (found.stops_at, found.exposed, found.spared) == (None, 1, None)
    assert found.finding.value < 1
