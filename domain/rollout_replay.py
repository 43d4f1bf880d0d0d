"""A rollout that is over, judged by another rule: where would that have stopped it?

Only what happened can be replayed. Outcomes that a rollout never had, because it stopped sooner,
are unknown: a rule that has not stopped by then might have stopped later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.rollout_evidence import RuleFinding
from domain.rollout_plan import StopRule
from domain.stop_rule import judge


@dataclass(frozen=True, slots=True)
class Past:
    """One outcome as it was recorded, and how many offers had gone out by then."""

    at: datetime
    bad: bool
    offered: int


@dataclass(frozen=True, slots=True)
class Replay:
    """`stops_at` is None where the rule does not stop; `exposed` counts devices that had been
    offered the release when it stops, or in the end. `outcomes` and `failures` are of the whole
    past, `finding` of the moment at which it stops, or of the end."""

    rule: StopRule
    finding: RuleFinding
    stops_at: datetime | None
    exposed: int
    outcomes: int
    failures: int

    @property
    def spared(self) -> int | None:
        """Outcomes that would not have come any more."""
        return self.outcomes - self.finding.outcomes if self.finding.stops else None


def replay(rule: StopRule, past: Sequence[Past]) -> Replay:
    """`past` in the order in which it was recorded."""
    finding = judge(rule, [one.bad for one in past])
    last = past[finding.outcomes - 1] if past else None
    return Replay(
        rule,
        finding,
        last.at if last and finding.stops else None,
        last.offered if last else 0,
        len(past),
        sum(one.bad for one in past),
    )
