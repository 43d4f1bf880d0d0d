"""What a decision on a rollout was made on."""

from dataclasses import dataclass

from domain.rollout_plan import HealthMetric, StopRuleKind


@dataclass(frozen=True, slots=True)
class Tally:
    """Devices of a wave, or of all waves begun with what was forced, by where their update stands.
    `open`: an offer is out, of the release or of the way back. `offline`: those of `queued` that
    are not connected. `not_taken_back`: it has the release, or may have, and is not REVERTED."""

    devices: int = 0
    queued: int = 0
    open: int = 0
    confirmed: int = 0
    bad: int = 0
    skipped: int = 0
    canceled: int = 0
    reverted: int = 0
    not_taken_back: int = 0
    offline: int = 0

    @property
    def judged(self) -> int:
        """Outcomes that count, good or bad."""
        return self.confirmed + self.bad

    @property
    def success(self) -> float | None:
        return self.confirmed / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What the stop rule found after `outcomes`, in the order in which they were recorded: it stops
    where `value` reaches `limit` (the e-value against 1/alpha, or the share against its most)."""

    kind: StopRuleKind
    outcomes: int
    failures: int
    value: float
    limit: float
    stops: bool


@dataclass(frozen=True, slots=True)
class GateFinding:
    """Medians over devices of what they measured themselves. None: too few have reported."""

    metric: HealthMetric
    new: float | None
    old: float | None
    new_devices: int
    old_devices: int
    limit_ratio: float
    passes: bool | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """`position` is the newest event that was counted."""

    position: int
    tally: Tally
    rule: RuleFinding
    gates: tuple[GateFinding, ...] = ()
