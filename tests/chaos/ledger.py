"""What the platform has acknowledged, as its clients wrote it down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Ledger:
    """`models`: id → what was last acknowledged of it; `asked`: names that were asked for, so that
    what was never acknowledged is not taken for a double."""

    models: dict[str, dict[str, object]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    positions: list[int] = field(default_factory=list)
    acknowledged: int = 0
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def acknowledge(self, model: str, **facts: object) -> None:
        with self.lock:
            self.acknowledged += 1
            self.models.setdefault(model, {}).update(facts)

    def acknowledge_job(self, job: str, model: str) -> None:
        """One idempotency key must always answer with one job."""
        with self.lock:
            self.acknowledged += 1
            self.jobs[job] = model

    def tried_again(self) -> None:
        with self.lock:
            self.again += 1

    def found_wrong(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)

    def summary(self) -> Mapping[str, int]:
        return {
            "models": len(self.models),
            "jobs": len(self.jobs),
            "acknowledged": self.acknowledged,
            "tried_again": self.again,
            "events_seen_live": len(self.positions),
        }
