"""What is wrong with a log, said so that somebody can go and look.

Taken alone an event that does not fit could have been changed, moved, or lost its predecessor; only
all that do not fit, seen together, tell which. Two events were swapped when each fits its own hash
once they have changed places again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any
from uuid import UUID

from application.audit.chain import NO_HASH, ChainedEvent, log_hash, stream_hash

MOST_PAIRED = 200
# What may have been exchanged between two events.
_EXCHANGES = (
    ("position",),
    ("position", "recorded_at"),
    ("topic", "state"),
    ("state",),
    ("version",),
    ("stream", "version"),
    ("topic", "state", "recorded_at"),
    ("stream", "version", "topic", "state", "tenant_id"),
    ("stream", "version", "topic", "state", "tenant_id", "recorded_at"),
)

_Hashes = dict[tuple[UUID, int], bytes]


class Flaw(StrEnum):
    """The kinds of findings."""

    CHANGED = "changed"
    MISSING = "missing"
    SWAPPED = "swapped"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `stream` and `version` are None where it concerns the whole log."""

    flaw: Flaw
    position: int
    stream: UUID | None
    version: int | None
    message: str

    def as_json(self) -> dict[str, Any]:
        return {
            "flaw": self.flaw.value,
            "position": self.position,
            "stream": None if self.stream is None else str(self.stream),
            "version": self.version,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Odd:
    """An event that does not fit. `version` and `before` are the newest of its stream that stood
    before it, `after` the position before it in the log; `intact` says that it fits its stream,
    `linked` that it fits the log."""

    event: ChainedEvent
    version: int
    before: bytes
    after: int
    intact: bool
    linked: bool


def explained(odd: list[Odd]) -> list[Finding]:
    """What is wrong with these events."""
    known: _Hashes = {}
    for each in odd:
        known.setdefault((each.event.stream, each.version), each.before)
    for each in odd:
        known[each.event.stream, each.event.version] = each.event.stream_hash
    changed = [each.event for each in odd if not each.intact and not _fits(each.event, known)]
    swaps = dict(_swaps(changed, known))
    found: list[Finding] = []
    for each in odd:
        if (other := swaps.get(each.event)) is not None:
            message = f"was swapped with the event at position {other.position}"
            found.append(_finding(Flaw.SWAPPED, each.event, message))
        else:
            found += _what_is_wrong(each, known, swaps)
    return found


def _swaps(
    events: list[ChainedEvent], known: _Hashes
) -> Iterator[tuple[ChainedEvent, ChainedEvent]]:
    """Each event of a swapped pair with the other; corrects `known` on the way."""
    done: set[ChainedEvent] = set()
    for one, other in combinations(events[:MOST_PAIRED], 2):
        if one in done or other in done:
            continue
        for names in _EXCHANGES:
            back = {name: getattr(other, name) for name in names}
            forth = {name: getattr(one, name) for name in names}
            pair = (replace(one, **back), replace(other, **forth))
            corrected = known | {(it.stream, it.version): it.stream_hash for it in pair}
            if all(_fits(it, corrected) for it in pair):
                known.update(corrected)
                done |= {one, other}
                yield one, other
                yield other, one
                break


def _what_is_wrong(
    odd: Odd, known: _Hashes, swapped: Collection[ChainedEvent]
) -> Iterator[Finding]:
    event = odd.event
    missing = _first_missing(odd, known)
    if missing is not None:
        last = event.version - 1
        which = f"version {last} of the stream is missing"
        if missing < last:
            which = f"versions {missing} to {last} of the stream are missing"
        yield Finding(Flaw.MISSING, event.position, event.stream, missing, f"before it, {which}")
        return
    if not odd.intact and not _fits(event, known):
        message = "is not what was recorded: it, or a hash of it or before it, was changed"
        yield _finding(Flaw.CHANGED, event, message)
    elif event.position <= odd.after or (
        event.version <= odd.version and event.stream not in {each.stream for each in swapped}
    ):
        yield _finding(Flaw.SWAPPED, event, "stands after an event that was recorded later")
    elif not odd.linked and not any(
        log_hash(each.log_hash, event.stream_hash) == event.log_hash for each in swapped
    ):
        before = f"the event at position {odd.after}" if odd.after else "the beginning of the log"
        message = (
            f"does not follow {before}: an event between the two is missing or was put in, or the "
            "one before was changed and its hashes made anew"
        )
        yield _finding(Flaw.MISSING, event, message)


def _first_missing(odd: Odd, known: _Hashes) -> int | None:
    """The first version that is not there, before this event and after the one found before it."""
    if odd.event.version > odd.version + len(known) + 1:
        return odd.version + 1  # more are missing than events that could have been moved
    versions = range(odd.version + 1, odd.event.version)
    return next((number for number in versions if (odd.event.stream, number) not in known), None)


def _fits(event: ChainedEvent, known: _Hashes) -> bool:
    before = NO_HASH if event.version == 1 else known.get((event.stream, event.version - 1))
    return before is not None and stream_hash(before, event) == event.stream_hash


def _finding(flaw: Flaw, event: ChainedEvent, message: str) -> Finding:
    return Finding(flaw, event.position, event.stream, event.version, message)
