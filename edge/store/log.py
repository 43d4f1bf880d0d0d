"""The event log: append from any thread, durable in groups, read by the sync, forgotten when taken.

One thread owns the file. What arrives while it commits is committed together next (group commit);
an acknowledgement (`Batch.done`) comes only after the commit is on disk.
"""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from edge.store.batch import MOST_IN_GROUP, Batch, LogRefused, Waiting
from edge.store.sealing import kept_key
from edge.store.streams import Channel, Priority, Stream
from edge.store.writer import Writer

GATHER = 0.002
"""Seconds that a group gathers: fewer commits, less wear of a flash disk."""
TRY_AGAIN = 1.0
"""Seconds after which a full disk is tried again."""

T = TypeVar("T")
log = logging.getLogger("edge.store")


@dataclass(frozen=True, slots=True)
class Head:
    """A log that holds events: from `first` to `next` - 1, not necessarily all. `age` orders logs
    by what is oldest in them."""

    log: UUID
    channel: Channel
    priority: Priority
    first: int
    next: int
    age: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Events of a log, numbered from `first` on without a gap."""

    log: UUID
    first: int
    events: list[bytes]

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1


class EventLog:
    """`limit` gives the disk limit in bytes, `now` the time; `grown` is called from the log's
    thread after each group that was written."""

    def __init__(
        self,
        path: Path,
        key_file: Path,
        limit: Callable[[], int],
        now: Callable[[], float],
        grown: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises HomeError."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._waiting = Waiting()
        self._jobs: list[Callable[[], None]] = []
        self._closing = False
        self._grown = grown
        self._writer = Writer(path, kept_key(key_file), limit, now)
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def append(self, stream: Stream, event: bytes) -> Batch:
        """Queued to be written; `done` of what is returned says when it is durable, with others.

        `event`: JSON without a line break. Raises LogRefused."""
        return self.extend(stream, (event,))

    def extend(self, stream: Stream, events: Sequence[bytes]) -> Batch:
        """Several at once, all or none. Raises LogRefused."""
        with self._lock:
            if self._closing:
                raise LogRefused("the log is closed")
            batch = self._waiting.add(stream, events)
        if not self._wake.is_set():
            self._wake.set()
        return batch

    def heads(self) -> "Future[list[Head]]":
        """Every log that holds events."""
        return self._job(
            lambda: [
                Head(one.uuid, one.stream.channel, one.stream.priority, first, one.next, age)
                for one, age, first in self._writer.heads()
            ]
        )

    def read(
        self, log: UUID, number: int, most_bytes: int, most_events: int
    ) -> "Future[Piece | None]":
        """The first events from this number on that are still there; None where there are none."""

        def read() -> Piece | None:
            found = self._writer.read(log, number, most_bytes, most_events)
            return Piece(log, *found) if found else None

        return self._job(read)

    def forget(self, log: UUID, ranges: list[tuple[int, int]]) -> "Future[None]":
        """The platform has these, first and last included."""
        return self._job(lambda: self._writer.forget(log, ranges))

    def numbers(self) -> "Future[dict[str, Any]]":
        """What people are shown: events and bytes kept, and what was lost and why."""
        return self._job(self._writer.numbers)

    def close(self) -> None:
        """Writes what waits; then nothing more is taken."""
        with self._lock:
            self._closing = True
        self._wake.set()
        self._thread.join()

    def _job(self, act: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(act())
            except Exception as error:
                future.set_exception(error)

        with self._lock:
            if self._closing:
                future.set_exception(LogRefused("the log is closed"))
                return future
            self._jobs.append(run)
        self._wake.set()
        return future

    def _run(self) -> None:
        held = more = False
        while True:
            if not more:
                self._wake.wait(TRY_AGAIN if held else None)
                if not self._closing and not self._jobs:
                    threading.Event().wait(GATHER)
            self._wake.clear()
            with self._lock:
                closing, jobs, self._jobs = self._closing, self._jobs, []
                # Where the disk takes nothing, none may wait behind what is held back.
                batches = self._waiting.take(math.inf if closing or held else MOST_IN_GROUP)
                more = self._waiting.size > 0
            held = self._write(batches, closing)
            for job in jobs:
                job()
            if closing:
                break
        self._writer.close()

    def _write(self, batches: list[Batch], closing: bool) -> bool:
        """Whether some are held back, until the disk takes them."""
        if not batches:
            return False
        try:
            back = self._writer.write(batches)
        except Exception as error:  # nobody may wait for ever because of what nobody foresaw
            log.exception("the event log failed")
            for batch in batches:
                if not batch.done.done():
                    batch.done.set_exception(LogRefused(f"the event log failed: {error}"))
            return False
        if back and closing:
            for batch in back:
                batch.done.set_exception(LogRefused("the disk is full, and the agent ends"))
        elif back:
            with self._lock:
                self._waiting.give_back(back)
            threading.Event().wait(GATHER)
        self._grown()
        return bool(back)
