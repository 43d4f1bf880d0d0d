"""What the device remembers of updates: one small document, replaced as a whole and durable before
anything is done because of it. After a power cut it says how to go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from edge.protocol.updates import BadUpdate, Offer, Problem, Report
from edge.update.sealed import Damaged, seal, unsealed


class Stage(StrEnum):
    """What is being done about `Record.offer`; IDLE where there is none."""

    IDLE = "IDLE"
    DOWNLOADING = "DOWNLOADING"
    VERIFYING = "VERIFYING"
    WAITING = "WAITING"
    CHECKING = "CHECKING"
    SWITCHING = "SWITCHING"
    PROBATION = "PROBATION"
    ROLLING_BACK = "ROLLING_BACK"

    @property
    def may_be_left(self) -> bool:
        """Nothing of what runs has been touched yet."""
        return self in (Stage.DOWNLOADING, Stage.VERIFYING, Stage.WAITING, Stage.CHECKING)


@dataclass(frozen=True, slots=True)
class Said:
    """The last word on one update. `taken`: the platform has it."""

    update: UUID
    report: Report
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """`counter` is the highest seen, and `seen` the digest of the offer that had it. `current` is
    the release that runs. `watched` is the offer of what runs and may be taken back here. `crashes`
    are those of what runs, `cuts` how often its health check was cut off. `why` is the problem of a
    rollback under way."""

    stage: Stage = Stage.IDLE
    offer: Offer | None = None
    counter: int = 0
    seen: str = ""
    current: str | None = None
    watched: Offer | None = None
    crashes: int = 0
    cuts: int = 0
    findings: Mapping[str, Any] = field(default_factory=dict)
    why: tuple[Problem, str] | None = None
    reports: tuple[Said, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON."""
        return {
            "stage": str(self.stage),
            "offer": self.offer.statement() if self.offer else None,
            "counter": self.counter,
            "seen": self.seen,
            "current": self.current,
            "watched": self.watched.statement() if self.watched else None,
            "crashes": self.crashes,
            "cuts": self.cuts,
            "findings": dict(self.findings),
            "why": [str(self.why[0]), self.why[1]] if self.why else None,
            "reports": [
                {"update": str(one.update), "report": one.report.body(), "taken": one.taken}
                for one in self.reports
            ],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Record":
        """Raises KeyError, ValueError, TypeError."""
        offer, watched, why = document["offer"], document["watched"], document["why"]
        return cls(
            Stage(document["stage"]),
            Offer.of(offer) if offer else None,
            int(document["counter"]),
            str(document["seen"]),
            document["current"],
            Offer.of(watched) if watched else None,
            int(document["crashes"]),
            int(document["cuts"]),
            dict(document["findings"]),
            (Problem(why[0]), str(why[1])) if why else None,
            tuple(
                Said(UUID(one["update"]), Report.of(one["report"]), bool(one["taken"]))
                for one in document["reports"]
            ),
        )


class RecordFile:
    """The record on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, record: Record) -> None:
        """Durable when it returns. Raises HomeError."""
        seal(self.path, record.document())

    def read(self) -> Record:
        """The first record where nothing was kept yet. Raises Damaged."""
        try:
            return Record.of(unsealed(self.path))
        except FileNotFoundError:
            return Record()
        except (KeyError, TypeError, BadUpdate) as error:
            raise Damaged(f"{self.path} holds no record: {error}") from None

    def put_aside(self, now: float) -> Path:
        """The damaged file under another name."""
        return self.path.replace(self.path.with_name(f"{self.path.name}.damaged-{now:.0f}"))
