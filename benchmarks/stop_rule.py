"""`stop_rule_exposed`, `stop_rule_false`: how many devices a bad release reaches before it is
stopped, and how often a healthy one is.

Groups of 1,000 devices, outcomes one by one, 2,000 groups of each kind, seeded; a group that is
never stopped has exposed all of its devices. Five rules beside each other, as in the design; then
the same with failures that are correlated, which breaks the bound that the e-process gives:
sites of 20 devices whose rates are drawn from a beta distribution with the same mean (intra-class
correlation ρ), reached in any order or site by site; and causes that take 10 devices with them.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from statistics import median

from benchmarks.figure import Better, Figure, Target
from domain.rollout_plan import StopRule, StopRuleKind
from domain.stop_rule import judge

GROUP, GROUPS, SEED = 1_000, 2_000, 20_260_101
HEALTHY, FAILING, BROKEN = 0.02, 0.10, 0.30
SITE, CLUSTER = 20, 10
E_PROCESS = StopRule(healthy_rate=HEALTHY, alpha=0.05)

Outcomes = list[bool]
Stops = Callable[[Outcomes], int | None]
Draw = Callable[[random.Random, float], Outcomes]


def by(rule: StopRule) -> Stops:
    def stops(outcomes: Outcomes) -> int | None:
        found = judge(rule, outcomes)
        return found.outcomes if found.stops else None

    return stops


def of_the_whole_group(outcomes: Outcomes) -> int | None:
    """Above 5 % of all of the group, whether or not they have been reached."""
    failures = 0
    for seen, bad in enumerate(outcomes, 1):
        failures += bad
        if failures > 0.05 * len(outcomes):
            return seen
    return None


def at_the_end(outcomes: Outcomes) -> int | None:
    """Success below 95 %, once all have ended."""
    return len(outcomes) if sum(outcomes) > 0.05 * len(outcomes) else None


def _percentage(least: int) -> Stops:
    """The design's stop at 5 %, the platform's above its most."""
    return by(StopRule(StopRuleKind.PERCENTAGE, max_rate=0.05 - 1e-9, min_count=least))


RULES: dict[str, Stops] = {
    "above 5 % of the whole group": of_the_whole_group,
    "5 % after at least 20": _percentage(20),
    "5 % after at least 100": _percentage(100),
    "success below 95 % at the end": at_the_end,
    "e-process": by(E_PROCESS),
}


def independent(draw: random.Random, rate: float) -> Outcomes:
    return [draw.random() < rate for _ in range(GROUP)]


def sites(correlation: float, one_by_one: bool) -> Draw:
    """A beta-binomial: each site's rate is Beta(p·k, (1 − p)·k) with k = 1/ρ − 1."""
    strength = 1 / correlation - 1

    def drawn(draw: random.Random, rate: float) -> Outcomes:
        outcomes = []
        for _ in range(GROUP // SITE):
            here = draw.betavariate(rate * strength, (1 - rate) * strength)
            outcomes += [draw.random() < here for _ in range(SITE)]
        if not one_by_one:
            draw.shuffle(outcomes)
        return outcomes

    return drawn


def clusters(draw: random.Random, rate: float) -> Outcomes:
    """Devices fail together or not at all, one cluster after another."""
    together = (draw.random() < rate for _ in range(GROUP // CLUSTER))
    return [bad for bad in together for _ in range(CLUSTER)]


CORRELATED: dict[str, Draw] = {
    "sites with ρ .05, in any order": sites(0.05, one_by_one=False),
    "sites with ρ .05, one by one": sites(0.05, one_by_one=True),
    "sites with ρ .3, in any order": sites(0.3, one_by_one=False),
    "sites with ρ .3, one by one": sites(0.3, one_by_one=True),
    "clusters of 10, one by one": clusters,
}


def measure() -> Iterable[Figure]:
    found = {name: _row(stops, independent) for name, stops in RULES.items()}
    false, exposed, _ = found["e-process"]
    correlated = {name: _row(RULES["e-process"], draw) for name, draw in CORRELATED.items()}
    small = _stopped(RULES["e-process"], lambda draw, rate: independent(draw, rate)[:200], 0.05)
    yield Figure(
        "stop_rule_exposed",
        exposed,
        "devices",
        target=Target(50, 41, Better.LESS),
        note=f"median of {GROUPS:,} groups of {GROUP:,} with 10 % failing. {_table(found)}",
    )
    yield Figure(
        "stop_rule_false",
        round(100 * false, 2),
        "%",
        target=Target(5.0, better=Better.LESS),
        note=f"of healthy groups (2 % failing) stopped. The e-process where failures are "
        f"correlated: {_table(correlated)}. Of groups of 200 with 5 % failing it stops "
        f"{len(small) / GROUPS:.0%}",
    )


def _row(stops: Stops, draw: Draw) -> tuple[float, float, float]:
    """The share of healthy groups that are stopped, and the medians of devices exposed with 10 %
    and 30 % failing."""
    false = len(_stopped(stops, draw, HEALTHY)) / GROUPS
    return false, _exposed(stops, draw, FAILING), _exposed(stops, draw, BROKEN)


def _exposed(stops: Stops, draw: Draw, rate: float) -> float:
    stopped = _stopped(stops, draw, rate)
    return median([*stopped, *[GROUP] * (GROUPS - len(stopped))])


def _stopped(stops: Stops, draw: Draw, rate: float) -> list[int]:
    """Where each group that is stopped is."""
    return [at for at in (stops(one) for one in _groups(draw, rate)) if at is not None]


def _groups(draw: Draw, rate: float) -> Iterator[Outcomes]:
    """The same for every rule."""
    for number in range(GROUPS):
        yield draw(random.Random(f"{SEED} {rate} {number}"), rate)


def _table(rows: dict[str, tuple[float, float, float]]) -> str:
    return "; ".join(
        f"{name}: {false:.1%} false stops, {ten:g} and {thirty:g} exposed (10 % and 30 % failing)"
        for name, (false, ten, thirty) in rows.items()
    )
