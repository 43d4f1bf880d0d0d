"""Where the devices of a rollout stand: what the next step is decided on."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.rollout_evidence import Evidence, GateFinding, Tally
from domain.rollout_plan import StopRule
from domain.stop_rule import judge


@dataclass(frozen=True, slots=True)
class Standing:
    """Read at one moment, after everything whose time was over has expired.

    - `position`: of the newest event that is counted.
    - `wave`, `all`: of the present wave; of all waves begun, with what was forced.
    - `outcomes`: of all waves begun and what was forced, in the order in which they were recorded,
      True where it was bad; an outcome that was replaced by another counts once, at its later
      place. Only those after `Rollout.judged_after` (a position).
    - `gates`: one for each of the plan's.
    - `offered_last_minute`: offers of the release signed in the last 60 s.
    - `offerable`: QUEUED, of a wave begun or forced, online, and the slot free.
    - `cancelable`: of any wave, begun or not: QUEUED, or offered and not yet installing.
    - `revertible`: may be taken back, is online, and no way back is under way.
    - `next_deadline`: when the first of the open offers is over; None where none is open.
    """

    now: datetime
    position: int
    wave: Tally = field(default_factory=Tally)
    all: Tally = field(default_factory=Tally)
    outcomes: tuple[bool, ...] = ()
    gates: tuple[GateFinding, ...] = ()
    offered_last_minute: int = 0
    offerable: int = 0
    cancelable: int = 0
    revertible: int = 0
    next_deadline: datetime | None = None

    def evidence(self, tally: Tally, rule: StopRule) -> Evidence:
        return Evidence(self.position, tally, judge(rule, self.outcomes), self.gates)
