"""Which variant to recommend, and why, in words with the numbers.

Among the source and the variants that passed their gates; one that failed is never chosen. SPEED
goes by time, SIZE by bytes, BALANCED by the geometric mean of both against the source. What is
within the noise of measuring is a tie: a tie goes to the smaller file, and against the source to
the source, since a change that wins nothing is only a risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.optimization_spec import Level
from domain.verdict import NOISE

SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Candidate:
    """`time_ratio` is its time for one run against the source's, 1.0 for the source and for what
    cannot be told from it; `drop` the share it lost by its verdict's measure."""

    name: str
    bytes: int
    time_ratio: float
    drop: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The name of the chosen variant (`source` for the source itself), by which goal, and why.
    `score` is against the source, below 1 when better."""

    name: str
    level: Level
    score: float
    why: str


def choose(candidates: Sequence[Candidate], level: Level) -> Choice:
    """Raises ValueError when the candidate named `source` is missing."""
    source = next((one for one in candidates if one.name == SOURCE), None)
    if source is None:
        raise ValueError("candidates: the source itself must be one of them.")
    passing = [one for one in candidates if one.passed and one is not source]
    margin = 0.0 if level is Level.SIZE else NOISE
    best = min((_score(one, source, level) for one in passing), default=1.0)
    if best >= 1.0 - margin:
        return Choice(SOURCE, level, 1.0, _why_source(candidates, source, level))
    tied = [one for one in passing if _score(one, source, level) <= best * (1 + margin)]
    chosen = min(tied, key=lambda one: (one.bytes, one.drop, one.name))
    score = _score(chosen, source, level)
    return Choice(chosen.name, level, score, _why(chosen, source, level, candidates))


def _score(one: Candidate, source: Candidate, level: Level) -> float:
    size = one.bytes / source.bytes
    if level is Level.SPEED:
        return one.time_ratio
    if level is Level.SIZE:
        return size
    return float((size * one.time_ratio) ** 0.5)


_GOAL = {
    Level.SPEED: "the fastest",
    Level.SIZE: "the smallest",
    Level.BALANCED: "the best of size and speed together",
}


def _why(
    chosen: Candidate, source: Candidate, level: Level, candidates: Sequence[Candidate]
) -> str:
    lost = "lost nothing" if chosen.drop <= 0 else f"lost {chosen.drop:.2%}"
    return (
        f"{chosen.name} is {_GOAL[level]} of those that passed: {_size(chosen, source)}, "
        f"{_speed(chosen)}, and it {lost}.{_failed(candidates)}"
    )


def _why_source(candidates: Sequence[Candidate], source: Candidate, level: Level) -> str:
    variants = [one for one in candidates if one is not source]
    if not variants:
        return "No variant could be made, so the source stays."
    passing = [one for one in variants if one.passed]
    if not passing:
        return f"The source stays.{_failed(candidates)}"
    nearest = min(passing, key=lambda one: _score(one, source, level))
    return (
        f"The source stays: the nearest, {nearest.name}, has {_size(nearest, source)} and "
        f"{_speed(nearest)}, which wins nothing for {level}.{_failed(candidates)}"
    )


def _size(one: Candidate, source: Candidate) -> str:
    return f"{one.bytes:,} bytes ({one.bytes / source.bytes:.0%} of the source)"


def _speed(one: Candidate) -> str:
    if one.time_ratio == 1.0:
        return "no difference in time that could be measured"
    return f"{one.time_ratio:.2f} times the source's time"


def _failed(candidates: Sequence[Candidate]) -> str:
    failed = [one for one in candidates if not one.passed]
    if not failed:
        return ""
    told = ", ".join(
        f"{one.name} (lost {one.drop:.2%})" if one.drop > 0 else one.name for one in failed
    )
    return f" Failed its gate: {told}."
