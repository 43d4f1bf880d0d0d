"""What waits to be written, by stream; one future for all that is written together."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from edge.store.streams import Priority, Stream


class LogRefused(RuntimeError):
    """The event is not in the log: no room, or no disk. The message says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """Durable: `count` events of this log from `first` on."""

    log: UUID
    first: int
    count: int


@dataclass(slots=True)
class Batch:
    """`done` gives Written, or raises LogRefused."""

    stream: Stream
    events: list[bytes] = field(default_factory=list)
    size: int = 0
    done: "Future[Written]" = field(default_factory=Future)


MOST_WAITING = 16 << 20
"""Bytes that wait for the disk at most; less for what matters less."""
SHARE = {Priority.LOW: 0.5, Priority.NORMAL: 0.75, Priority.HIGH: 0.9, Priority.CRITICAL: 1.0}
MOST_IN_GROUP = 2 << 20
"""Bytes that are written in one transaction: while it is made durable, whoever waits for the one
before goes on and fills the next."""
MOST_SEGMENT = 64 << 10
"""Bytes after which a segment is full."""
MOST_IN_SEGMENT = 1_000
"""Events; as many as a batch of telemetry may have."""


class Waiting:
    """Batches by stream, in the order in which they came. Not thread-safe."""

    def __init__(self) -> None:
        self._open: dict[Stream, Batch] = {}
        self._all: list[Batch] = []
        self.size = 0

    def add(self, stream: Stream, events: Sequence[bytes]) -> Batch:
        """They stay together. Raises LogRefused."""
        batch = self._open.get(stream)
        if batch is None or batch.size >= MOST_SEGMENT or len(batch.events) >= MOST_IN_SEGMENT:
            if self.size > MOST_WAITING * SHARE[stream.priority]:
                raise LogRefused("the disk does not keep up; the event is not logged")
            batch = self._open[stream] = Batch(stream)
            self._all.append(batch)
        batch.events += events
        size = sum(map(len, events))
        batch.size += size
        self.size += size
        return batch

    def take(self, most: float) -> list[Batch]:
        """The most important first, about so many bytes of them."""
        taken: list[Batch] = []
        size = 0
        for batch in sorted(self._all, key=lambda batch: -batch.stream.priority):
            if size >= most:
                break
            taken.append(batch)
            size += batch.size
        gone = set(map(id, taken))
        self._all = [batch for batch in self._all if id(batch) not in gone]
        self._open = {of: batch for of, batch in self._open.items() if id(batch) not in gone}
        self.size -= size
        return taken

    def give_back(self, batches: list[Batch]) -> None:
        """What could not be written yet, before what came since."""
        self._all = batches + self._all
        self.size += sum(batch.size for batch in batches)
