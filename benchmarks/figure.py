"""One measured figure, what it is compared with, and what it should reach."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Better(Enum):
    """Which way the judged number is better."""

    MORE = "at least"
    LESS = "at most"


@dataclass(frozen=True, slots=True)
class Target:
    """`gate` must be met; `aim` is where we want to be. Both judge the ratio where the figure has a
    baseline, else the value."""

    gate: float
    aim: float | None = None
    better: Better = Better.MORE

    def met(self, number: float) -> bool:
        return number >= self.gate if self.better is Better.MORE else number <= self.gate


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `baseline` in the same unit, named by `against`.

    `ratio` says how the two compare in the words of the target: usually value / baseline, and
    baseline / value where the target is “so many times less”. `note` says what else there is to
    know, such as how much memory was used."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    against: str | None = None
    target: Target | None = None
    note: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the gate is met; None where there is none."""
        if self.target is None:
            return None
        return self.target.met(self.value if self.ratio is None else self.ratio)

    def as_json(self) -> dict[str, Any]:
        plain = asdict(self)
        target = plain.pop("target")
        if target is not None:
            plain |= {"gate": target["gate"], "aim": target["aim"], "met": self.met}
        return plain
