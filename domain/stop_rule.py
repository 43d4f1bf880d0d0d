"""When the failures of a rollout are too many: judged at every outcome, as it comes.

E_PROCESS tests "a device fails with at most the healthy rate p₀" and may be looked at after every
outcome, because of Ville's inequality: a process E ≥ 0 with E₀ = 1 and E[Eₙ | past] ≤ Eₙ₋₁ under
the hypothesis reaches 1/α ever with a probability of at most α (Ramdas, Grünwald, Vovk and Shafer,
"Game-Theoretic Statistics and Safe Anytime-Valid Inference", Statistical Science 38(4), 2023).
This one is their mixture of likelihood ratios, ∏ q^x (1−q)^(1−x) / (p₀^x (1−p₀)^(1−x)) averaged
over alternatives q > p₀: quantiles of Beta(1, 4) cut off below p₀, which puts most weight on the
small rates that are hard to see and some on all others. For every rate p ≤ p₀ and every q > p₀ a
factor is at most 1 on average, so the bound holds there as well. It holds for devices that fail
independently, or whose chance to fail given the past is at most p₀; a cause that many share breaks
it (`benchmarks/stop_rule.py` measures how far).

PERCENTAGE is the plain share of failures, after `min_count` outcomes. It gives no such bound.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from domain.rollout_evidence import RuleFinding
from domain.rollout_plan import StopRule, StopRuleKind

ALTERNATIVES = 16
_BETA = 4.0


def judge(rule: StopRule, outcomes: Sequence[bool]) -> RuleFinding:
    """`outcomes` in the order in which they were recorded, True where the device failed.

    Where the rule stops, the finding is that of the first outcome at which it did; what came
    after does not take it back."""
    if rule.kind is StopRuleKind.PERCENTAGE:
        return _percentage(rule, outcomes)
    return _e_process(rule, outcomes)


def _e_process(rule: StopRule, outcomes: Sequence[bool]) -> RuleFinding:
    """A success makes the e-value smaller whatever the alternative is: it is reached at failures
    only, so that only those are looked at."""
    alternatives = _alternatives(rule.healthy_rate)
    limit = 1 / rule.alpha
    failures = 0
    for seen, bad in enumerate(outcomes, 1):
        if bad:
            failures += 1
            value = _e_value(alternatives, failures, seen)
            if value >= limit:
                return RuleFinding(rule.kind, seen, failures, value, limit, stops=True)
    value = _e_value(alternatives, failures, len(outcomes))
    return RuleFinding(rule.kind, len(outcomes), failures, value, limit, stops=False)


def _e_value(alternatives: Sequence[tuple[float, float]], failures: int, seen: int) -> float:
    """At most 1e300, so that it is a number in JSON."""
    logs = [failures * bad + (seen - failures) * good for bad, good in alternatives]
    most = max(logs)
    total = most + math.log(sum(math.exp(one - most) for one in logs) / len(logs))
    return math.exp(min(total, 690.0))


@lru_cache(maxsize=64)
def _alternatives(healthy_rate: float) -> list[tuple[float, float]]:
    """The logarithms of the factors of a failure and of a success, for each alternative."""
    rates = (
        1 - (1 - healthy_rate) * (1 - (number + 0.5) / ALTERNATIVES) ** (1 / _BETA)
        for number in range(ALTERNATIVES)
    )
    return [
        (math.log(rate / healthy_rate), math.log((1 - rate) / (1 - healthy_rate))) for rate in rates
    ]


def _percentage(rule: StopRule, outcomes: Sequence[bool]) -> RuleFinding:
    """The share is judged above, not at, `max_rate`."""
    failures = 0
    for seen, bad in enumerate(outcomes, 1):
        failures += bad
        if seen >= rule.min_count and failures > rule.max_rate * seen:
            return RuleFinding(rule.kind, seen, failures, failures / seen, rule.max_rate, True)
    share = failures / len(outcomes) if outcomes else 0.0
    return RuleFinding(rule.kind, len(outcomes), failures, share, rule.max_rate, False)
