"""What the log's one thread does with its file: groups of batches in one transaction, and what to
do when the disk is full (hold back what is important, refuse the rest) or the file is damaged (set
it aside, rescue what can be read, go on with new logs, and say so loudly).
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import apsw

from edge.agent.state import DAMAGED, put_aside
from edge.home import HomeError
from edge.store.batch import Batch, LogRefused, Written
from edge.store.database import Log, Segments, WrongKey, rescued
from edge.store.ranges import Ranges
from edge.store.room import Dropped, make_room
from edge.store.sealing import Damaged, Sealer
from edge.store.streams import LOUD, Priority

NO_DISK = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
TOLD_EVERY = 10.0
"""Seconds: refused events are counted, and told so often at most."""
OVERHEAD = 120
"""Bytes of a row beside its events, about."""

T = TypeVar("T")
log = logging.getLogger("edge.store")


class Writer:
    def __init__(
        self, path: Path, key: bytes, limit: Callable[[], int], now: Callable[[], float]
    ) -> None:
        """Raises HomeError."""
        self._path, self._key, self._limit, self._now = path, key, limit, now
        self._taken: dict[UUID, Ranges] = {}
        self._refused: Counter[Priority] = Counter()
        self._told_at = now()
        self.lost: Counter[str] = Counter()
        self.problem: str | None = None
        try:
            self._segments = Segments(path, Sealer(key))
        except (*DAMAGED, WrongKey) as error:
            self._segments = self._begin_anew(error)
        except apsw.Error as error:
            raise HomeError(f"The event log {path} cannot be opened: {error}") from None

    def close(self) -> None:
        self._segments.close()

    def write(self, batches: Sequence[Batch]) -> list[Batch]:
        """Those that must wait for the disk. All others are done: durable or refused."""
        try:
            written, refused = self._group(batches)
        except NO_DISK as error:
            return self._hold_back(batches, error)
        except DAMAGED as error:
            self._recover(error)
            return list(batches)
        self.problem = None
        for batch, log, first in written:
            batch.done.set_result(Written(log.uuid, first, len(batch.events)))
        for batch in refused:
            self._refuse(batch, "the disk limit is reached, and all that is kept matters more")
        return []

    def heads(self) -> list[tuple[Log, int, int]]:
        """Log, row id and first number of its oldest segment."""

        def act() -> list[tuple[Log, int, int]]:
            found = ((one, self._segments.oldest(one.id)) for one in self._segments.logs.values())
            return [(one, *oldest) for one, oldest in found if oldest]

        return self._guarded(act)

    def read(
        self, log: UUID, number: int, most_bytes: int, most_events: int
    ) -> tuple[int, list[bytes]] | None:
        """The first number and events, together at most that much (but one at least)."""
        return self._guarded(lambda: self._read(log, number, most_bytes, most_events))

    def forget(self, log: UUID, ranges: Sequence[tuple[int, int]]) -> None:
        found = next((one for one in self._segments.logs.values() if one.uuid == log), None)
        if found is None:
            return
        taken = self._taken.setdefault(log, Ranges())

        def act() -> None:
            with self._segments.db:
                for first, last in ranges:
                    if 1 <= first <= last < found.next:
                        self._segments.delete_range(found.id, *taken.add(first, last))

        self._guarded(act)

    def numbers(self) -> dict[str, Any]:
        """Events and bytes kept, by log; what was lost, by why."""

        def act() -> dict[str, Any]:
            kept = self._segments.count()
            logs = self._segments.logs
            return {
                "events": sum(kept.values()),
                "bytes": self._segments.used_bytes(),
                "limit_bytes": self._limit(),
                "logs": [
                    {
                        "log": str(logs[id].uuid),
                        "channel": str(logs[id].stream.channel),
                        "priority": logs[id].stream.priority.name.lower(),
                        "events": many,
                    }
                    for id, many in kept.items()
                ],
                "lost": dict(self.lost),
                "problem": self.problem,
            }

        return self._guarded(act)

    def _guarded(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except DAMAGED as error:
            self._recover(error)
            return act()

    def _group(self, batches: Sequence[Batch]) -> tuple[list[tuple[Batch, Log, int]], list[Batch]]:
        """One transaction, durable when this returns."""
        written: list[tuple[Batch, Log, int]] = []
        refused: list[Batch] = []
        dropped: dict[UUID, Dropped] = {}
        with self._segments.transaction():
            used, limit = self._segments.used_bytes(), self._limit()
            for batch in batches:
                size, fits = batch.size + OVERHEAD, True
                used += size  # or a page more: the next group counts anew
                if used > limit:
                    priority = batch.stream.priority
                    fits, gone = make_room(self._segments, limit, size, priority)
                    _add(dropped, gone)
                    used = self._segments.used_bytes() + size
                if fits:
                    written.append((batch, *self._segments.write(batch.stream, batch.events)))
                else:
                    refused.append(batch)
            notices = self._notices(dropped, refused)
            if notices:
                self._segments.write(LOUD, notices)
        for uuid, one in dropped.items():
            log.warning("dropped %s events of log %s for want of room", f"{one.count:,}", uuid)
            self.lost["dropped at the disk limit"] += one.count
        return written, refused

    def _notices(self, dropped: dict[UUID, Dropped], refused: Sequence[Batch]) -> list[bytes]:
        told = [
            self._event(
                "log.dropped",
                log=str(uuid), priority=one.priority.name.lower(),
                first=one.first, last=one.last, count=one.count, why="disk limit",
            )
            for uuid, one in dropped.items()
        ]  # fmt: skip
        if self._refused and not refused and self._now() - self._told_at > TOLD_EVERY:
            counts = {one.name.lower(): many for one, many in self._refused.items()}
            told.append(self._event("log.refused", **counts))
            self._refused.clear()
            self._told_at = self._now()
        return told

    def _hold_back(self, batches: Sequence[Batch], error: Exception) -> list[Batch]:
        full = isinstance(error, apsw.FullError)
        problem = "the disk is full" if full else f"the disk cannot be written ({error})"
        if problem != self.problem:
            log.error("%s: events below priority high are refused", problem)
        self.problem = problem
        back = []
        for batch in batches:
            if batch.stream.priority >= Priority.HIGH:
                back.append(batch)
            else:
                self._refuse(batch, problem)
        return back

    def _refuse(self, batch: Batch, why: str) -> None:
        self._refused[batch.stream.priority] += len(batch.events)
        self.lost[f"refused: {why}"] += len(batch.events)
        batch.done.set_exception(LogRefused(f"{why}; the event is not logged"))

    def _read(
        self, uuid: UUID, number: int, most_bytes: int, most_events: int
    ) -> tuple[int, list[bytes]] | None:
        found = next((one for one in self._segments.logs.values() if one.uuid == uuid), None)
        if found is None:
            return None
        begin, events, size = number, list[bytes](), 0
        damaged = []
        for segment in self._segments.after(found.id, number):
            upcoming = begin + len(events)
            if events and segment.first > upcoming:
                break  # what is between was dropped
            try:
                held = self._segments.events(segment)
            except Damaged:
                damaged.append(segment)
                continue
            if not events:
                begin = max(number, segment.first)
            for event in held[max(0, begin + len(events) - segment.first) :]:
                if events and (size + len(event) > most_bytes or len(events) >= most_events):
                    break
                events.append(event)
                size += len(event) + 1
            else:
                continue
            break
        for segment in damaged:
            self._tell_damaged(segment.first, segment.count, uuid)
            self._segments.set_aside(segment)
        return (begin, events) if events else None

    def _tell_damaged(self, first: int, count: int, uuid: UUID) -> None:
        log.error("a damaged segment of log %s is set aside: %s events", uuid, f"{count:,}")
        self.lost["damaged"] += count
        event = self._event(
            "log.damaged", log=str(uuid), first=first, last=first + count - 1, count=count
        )
        with self._segments.transaction():
            self._segments.write(LOUD, [event])

    def _recover(self, error: Exception) -> None:
        self._segments.close()
        self._segments = self._begin_anew(error)

    def _begin_anew(self, error: Exception) -> Segments:
        aside = put_aside(self._path)
        log.error("the event log is damaged (%s); it is set aside as %s", error, aside.name)
        try:
            segments = Segments(self._path, Sealer(self._key))
            saved = 0
            if not isinstance(error, WrongKey):
                for old, found in rescued(aside):
                    segments.take_in(old, found)
                    saved += sum(one.count for one in found)
            with segments.transaction():
                told = self._event(
                    "log.set_aside", file=aside.name, why=str(error)[:300], rescued=saved
                )
                segments.write(LOUD, [told])
        except apsw.Error as failure:
            raise HomeError(
                f"No new event log can be made in {self._path.parent}: {failure}"
            ) from None
        self.lost["files set aside"] += 1
        return segments

    def _event(self, kind: str, **fields: Any) -> bytes:
        return json.dumps({"at": self._now(), "kind": kind, **fields}).encode()


def _add(dropped: dict[UUID, Dropped], gone: dict[UUID, Dropped]) -> None:
    for uuid, one in gone.items():
        if before := dropped.get(uuid):
            before.last, before.count = one.last, before.count + one.count
        else:
            dropped[uuid] = one
