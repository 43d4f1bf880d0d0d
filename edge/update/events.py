"""What happens to an update, and what is to be done about it: the words of `edge.update.machine`.

What was done for an offer carries its counter, so that the end of something that was given up in
the meantime is known for what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from edge.protocol.updates import Offer, Problem, Report, Reported


@dataclass(frozen=True, slots=True)
class PowerCameBack:
    """The agent started. `current`: the release of the slot that is switched to, None where there
    is none or it is `damaged`. `crashed`: the last run of the agent had no clean end, and the
    machine has run on since."""

    current: str | None
    crashed: bool = False
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class OfferHeard:
    """It is the platform's, for this device, and new enough. `digest` is of its statement.
    `kept_other`: the release in the other slot."""

    offer: Offer
    digest: str
    kept_other: str | None = None


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """It is not to be followed. `binding`: it is the platform's own, so that its counter counts."""

    update: UUID
    attempt: int
    counter: int
    problem: Problem
    detail: str
    digest: str = ""
    binding: bool = True


@dataclass(frozen=True, slots=True)
class OfferWithdrawn:
    """The platform has no offer for this device."""


@dataclass(frozen=True, slots=True)
class DownloadBegan:
    counter: int


@dataclass(frozen=True, slots=True)
class Downloaded:
    counter: int
    findings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verified:
    counter: int
    window_open: bool


@dataclass(frozen=True, slots=True)
class WindowOpen:
    counter: int


@dataclass(frozen=True, slots=True)
class HealthFound:
    """`problem` None: it is well."""

    counter: int
    findings: Mapping[str, Any]
    problem: Problem | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """`current`: what runs now."""

    counter: int
    current: str | None


@dataclass(frozen=True, slots=True)
class ProbationOver:
    counter: int


@dataclass(frozen=True, slots=True)
class Unwell:
    """What runs does not do what it should. `release` is what it was found of."""

    release: str | None
    problem: Problem
    detail: str


@dataclass(frozen=True, slots=True)
class Calm:
    """What runs has run long enough for earlier crashes to be forgotten."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    counter: int
    current: str | None


@dataclass(frozen=True, slots=True)
class WentWrong:
    """It cannot go on: `state` is FAILED or REJECTED."""

    counter: int
    state: Reported
    problem: Problem
    detail: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class ReportTaken:
    """The platform has this report."""

    update: UUID
    report: Report


Event = (
    PowerCameBack | OfferHeard | OfferRefused | OfferWithdrawn | DownloadBegan | Downloaded
    | Verified | WindowOpen | HealthFound | Switched | ProbationOver | Unwell | Calm | RolledBack
    | WentWrong | ReportTaken
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tell:
    """There is a report that the platform does not have."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Whether there is another offer."""


@dataclass(frozen=True, slots=True)
class Download:
    offer: Offer


@dataclass(frozen=True, slots=True)
class Verify:
    offer: Offer


@dataclass(frozen=True, slots=True)
class AwaitWindow:
    offer: Offer


@dataclass(frozen=True, slots=True)
class CheckHealth:
    offer: Offer


@dataclass(frozen=True, slots=True)
class Switch:
    offer: Offer


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches what runs: for `seconds` of probation, or from then on where that is None."""

    offer: Offer
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RollBack:
    """From this offer's release to what ran before it."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What no slot and no download needs goes. `keep_other`: what ran before may be wanted."""

    keep_other: bool


Action = (
    Tell | Ask | Download | Verify | AwaitWindow | CheckHealth | Switch | Watch | RollBack | CleanUp
)
