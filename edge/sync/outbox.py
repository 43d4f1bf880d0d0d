"""What of the log is under way, and what is to be sent next. No I/O: times and heads are given.

A broker's acknowledgement means nothing here: what is under way stays so until the platform has
taken it, and is sent again when that takes too long, and at every connection.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from edge.store.log import Head
from edge.store.ranges import Ranges

AT_ONCE = 16
"""Batches under way at most."""


@dataclass(slots=True)
class _Sent:
    """`upcoming`: the number after what was sent last."""

    upcoming: int = 1
    under_way: dict[int, tuple[int, float]] = field(default_factory=dict)
    taken: Ranges = field(default_factory=Ranges)
    again: deque[tuple[int, int]] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Read from this number on, and no further than `last` where there is one."""

    head: Head
    first: int
    last: int | None
    again: bool = False


class Outbox:
    def __init__(self) -> None:
        self._logs: dict[UUID, _Sent] = {}

    @property
    def under_way(self) -> int:
        return sum(len(one.under_way) for one in self._logs.values())

    def connected(self) -> None:
        """Nothing is under way any more; all that was not taken is to be sent again."""
        for one in self._logs.values():
            one.upcoming = 1
            one.under_way.clear()
            one.again.clear()

    def next(
        self, heads: Sequence[Head], allowed: Callable[[Head], bool], important_first: bool
    ) -> Wanted | None:
        """None where all that may go is under way, or enough is."""
        if self.under_way >= AT_ONCE:
            return None

        def rank(head: Head) -> tuple[int, int]:
            return (-head.priority if important_first else 0, head.age)

        for head in sorted((one for one in heads if allowed(one)), key=rank):
            sent = self._logs.setdefault(head.log, _Sent())
            while sent.again:
                first, last = sent.again.popleft()
                if (first := sent.taken.past(first)) <= last:
                    return Wanted(head, first, last, again=True)
            first = sent.taken.past(max(sent.upcoming, head.first))
            if first < head.next:
                until = sent.taken.until(first)
                return Wanted(head, first, until - 1 if until is not None else None)
        return None

    def sent(self, log: UUID, first: int, last: int, now: float) -> None:
        """`now` is monotonic."""
        one = self._logs.setdefault(log, _Sent())
        one.under_way[first] = (last, now)
        one.upcoming = max(one.upcoming, last + 1)

    def rest(self, wanted: Wanted, upcoming: int) -> None:
        """Of what was to be sent again, only what is before `upcoming` went."""
        if wanted.again and wanted.last is not None and upcoming <= wanted.last:
            self._logs[wanted.head.log].again.append((upcoming, wanted.last))

    def missing(self, wanted: Wanted) -> None:
        """There is nothing there any more."""
        one = self._logs[wanted.head.log]
        one.upcoming = max(one.upcoming, (wanted.last or wanted.head.next - 1) + 1)

    def taken(self, log: UUID, ranges: Sequence[tuple[int, int]]) -> None:
        one = self._logs.setdefault(log, _Sent())
        for first, last in ranges:
            one.taken.add(first, last)
        for first in list(one.under_way):
            last = one.under_way[first][0]
            if one.taken.past(first) > last:
                del one.under_way[first]

    def overdue(self, now: float, seconds: float) -> int:
        """How many batches are to be sent again, because nobody took them in time."""
        count = 0
        for one in self._logs.values():
            for first, (last, at) in list(one.under_way.items()):
                if now - at >= seconds:
                    del one.under_way[first]
                    one.again.append((first, last))
                    count += 1
        return count

    def only(self, logs: set[UUID]) -> None:
        """Others hold nothing any more."""
        for log in [log for log, one in self._logs.items() if log not in logs]:
            if not self._logs[log].under_way:
                del self._logs[log]


def taken_of(body: object) -> tuple[UUID, list[tuple[int, int]]]:
    """The body of `telemetry/taken`. Raises ValueError."""
    try:
        log, given = UUID(body["log"]), body["ranges"]  # type: ignore[index]
        ranges = [(first, last) for first, last in given]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("no ranges of a log") from None
    for pair in ranges:
        whole = all(isinstance(one, int) and not isinstance(one, bool) for one in pair)
        if not whole or not 1 <= pair[0] <= pair[1] < 2**63:
            raise ValueError("no ranges of numbers from 1 on")
    return log, ranges
