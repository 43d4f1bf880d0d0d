"""Who goes when the disk limit is reached: the least important first, of those the oldest; what is
being written counts as the newest of its own priority. What went is told in the log itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from edge.store.database import Segments
from edge.store.streams import Priority

SPARE = 0.1
"""Of the limit is freed at once, so that it is not reached again with the next event."""
AT_ONCE = 64


@dataclass(slots=True)
class Dropped:
    """Of one log; numbers from first to last are gone."""

    priority: Priority
    first: int
    last: int
    count: int


def make_room(
    segments: Segments, limit: int, wanted: int, priority: Priority
) -> tuple[bool, dict[UUID, Dropped]]:
    """Whether `wanted` bytes of this priority fit now, and what had to go for that. In a
    transaction of the caller's."""
    gone: dict[UUID, Dropped] = {}
    used = segments.used_bytes()
    if used + wanted <= limit:
        return True, gone
    own = False
    needed = used + wanted - limit
    excess = needed + int(limit * SPARE)
    for one_id, log_id, first, count, size in _candidates(segments, priority):
        log = segments.logs[log_id]
        if log.stream.priority is priority and not own:
            if needed <= 0:
                break  # of its own kind nothing goes only to have some spare
            own = True
        segments.delete([one_id])
        found = gone.setdefault(log.uuid, Dropped(log.stream.priority, first, first, 0))
        found.last, found.count = first + count - 1, found.count + count
        excess -= size
        needed -= size
        if excess <= 0:
            break
    return segments.used_bytes() + wanted <= limit, gone


def _candidates(segments: Segments, most: Priority) -> Iterator[tuple[int, int, int, int, int]]:
    for priority in Priority:
        if priority > most:
            return
        while oldest := segments.oldest_of(priority, AT_ONCE):
            for one in oldest:
                yield one.id, one.log, one.first, one.count, one.bytes
