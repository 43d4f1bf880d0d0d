"""The event log's file: SQLite in WAL mode with synchronous=FULL, a segment of events a row.

One thread uses it. What it raises of apsw is for `edge.store.writer` to judge: a full disk is
waited out, a damaged file is set aside.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import apsw

from edge.store.sealing import Damaged, Sealer
from edge.store.streams import Channel, Priority, Stream

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,
    priority INTEGER NOT NULL, next INTEGER NOT NULL, written INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL, first INTEGER NOT NULL,
    count INTEGER NOT NULL, sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS segments_in_order ON segments (log, first);
CREATE TABLE IF NOT EXISTS damaged (
    id INTEGER PRIMARY KEY, log TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    sealed BLOB NOT NULL
);
"""
SETTINGS = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304;
PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-2000; PRAGMA temp_store=MEMORY;
"""
KEY_CHECK = b"the key of this event log"
_PLACE = struct.Struct(">16sQQ")


class WrongKey(RuntimeError):
    """The file was sealed with another key."""


@dataclass(slots=True)
class Log:
    """`next`: the number of the next event."""

    id: int
    uuid: UUID
    stream: Stream
    next: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Its events are numbered from `first` to `last`."""

    id: int
    log: int
    first: int
    count: int
    sealed: bytes

    @property
    def last(self) -> int:
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Weighed:
    """A segment by its place and its size alone."""

    id: int
    log: int
    first: int
    count: int
    bytes: int


class Segments:
    """`logs` by their row id; `current` is the one that a stream is written to."""

    def __init__(self, path: Path, sealer: Sealer) -> None:
        """Raises apsw.Error, WrongKey."""
        self.path, self._sealer = path, sealer
        self.db = apsw.Connection(str(path))
        try:
            path.chmod(0o600)
            self.db.set_busy_timeout(5_000)
            self.db.execute(SETTINGS).fetchall()
            self.db.execute(SCHEMA)
            self._check_key()
            self._page = int(self._one("PRAGMA page_size"))
            self.logs: dict[int, Log] = {}
            self.current: dict[Stream, Log] = {}
            self._grown: set[int] = set()
            self._read_logs()
        except BaseException:
            self.db.close()
            raise

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Durable when it is over; where it raises, nothing was written."""
        try:
            with self.db:
                yield
                self.db.executemany(
                    "UPDATE logs SET next = ? WHERE id = ?",
                    [(self.logs[id].next, id) for id in self._grown],
                )
        except BaseException:
            self._read_logs()  # what is in the file counts
            raise
        finally:
            self._grown.clear()

    def write(self, stream: Stream, events: Sequence[bytes]) -> tuple[Log, int]:
        """Within a `transaction`; the log and the first number."""
        log = self.current.get(stream) or self._new_log(stream)
        first, count = log.next, len(events)
        sealed = self._sealer.seal(b"\n".join(events), _place(log.uuid, first, count))
        self.db.execute(
            "INSERT INTO segments (log, first, count, sealed) VALUES (?, ?, ?, ?)",
            (log.id, first, count, sealed),
        )
        log.next = first + count
        self._grown.add(log.id)
        return log, first

    def after(self, log: int, number: int) -> Iterator[Segment]:
        """Those with events from this number on, in order."""
        rows: Any = self.db.execute(
            "SELECT id, log, first, count, sealed FROM segments WHERE log = ? AND first >= "
            "coalesce((SELECT max(first) FROM segments WHERE log = ? AND first <= ?), 0) "
            "ORDER BY first",
            (log, log, number),
        )
        for id, of, first, count, sealed in rows:
            if first + count > number:
                yield Segment(int(id), int(of), int(first), int(count), bytes(sealed))

    def events(self, segment: Segment) -> list[bytes]:
        """Raises Damaged."""
        place = _place(self.logs[segment.log].uuid, segment.first, segment.count)
        events = self._sealer.open(segment.sealed, place).split(b"\n")
        if len(events) != segment.count:
            raise Damaged("another number of events")
        return events

    def oldest(self, log: int) -> tuple[int, int] | None:
        """Row id and first number of its oldest segment."""
        row: Any = self.db.execute(
            "SELECT id, first FROM segments WHERE log = ? ORDER BY first LIMIT 1", (log,)
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else None

    def oldest_of(self, priority: Priority, many: int) -> list[Weighed]:
        rows: Any = self.db.execute(
            "SELECT id, log, first, count, length(sealed) FROM segments WHERE log IN "
            "(SELECT id FROM logs WHERE priority = ?) ORDER BY id LIMIT ?",
            (int(priority), many),
        )
        return [Weighed(*(int(column) for column in row)) for row in rows]

    def delete(self, ids: Sequence[int]) -> None:
        self.db.executemany("DELETE FROM segments WHERE id = ?", [(id,) for id in ids])

    def delete_range(self, log: int, first: int, last: int) -> None:
        """Segments that lie wholly in it."""
        self.db.execute(
            "DELETE FROM segments WHERE log = ? AND first >= ? AND first + count - 1 <= ?",
            (log, first, last),
        )

    def set_aside(self, segment: Segment) -> None:
        """Into a table of its own, as it was found."""
        with self.db:
            self.db.execute(
                "INSERT INTO damaged (log, first, count, sealed) VALUES (?, ?, ?, ?)",
                (str(self.logs[segment.log].uuid), segment.first, segment.count, segment.sealed),
            )
            self.delete([segment.id])

    def used_bytes(self) -> int:
        """Of the file, without pages that are free to be used again."""
        pages = int(self._one("PRAGMA page_count")) - int(self._one("PRAGMA freelist_count"))
        return pages * self._page

    def count(self) -> dict[int, int]:
        """Events kept, by log."""
        rows: Any = self.db.execute("SELECT log, sum(count) FROM segments GROUP BY log")
        return {int(log): int(many) for log, many in rows}

    def take_in(self, log: Log, segments: Sequence[Segment]) -> None:
        """What was rescued from a damaged file: still sent, never written to again."""
        with self.db:
            self.db.execute(
                "INSERT INTO logs (uuid, channel, priority, next, written) VALUES (?, ?, ?, ?, 0)",
                (str(log.uuid), log.stream.channel, int(log.stream.priority), log.next),
            )
            id = self.db.last_insert_rowid()
            self.db.executemany(
                "INSERT OR IGNORE INTO segments (log, first, count, sealed) VALUES (?, ?, ?, ?)",
                [(id, one.first, one.count, one.sealed) for one in segments],
            )
        self._read_logs()

    def _new_log(self, stream: Stream) -> Log:
        uuid = uuid4()
        self.db.execute(
            "INSERT INTO logs (uuid, channel, priority, next, written) VALUES (?, ?, ?, 1, 1)",
            (str(uuid), stream.channel, int(stream.priority)),
        )
        log = Log(self.db.last_insert_rowid(), uuid, stream, 1)
        self.logs[log.id] = self.current[stream] = log
        return log

    def _read_logs(self) -> None:
        self.logs.clear()
        self.current.clear()
        rows: Any = self.db.execute(
            "SELECT id, uuid, channel, priority, next, written FROM logs ORDER BY id"
        )
        for id, uuid, channel, priority, upcoming, written in rows:
            stream = Stream(Channel(str(channel)), Priority(int(priority)))
            log = Log(int(id), UUID(str(uuid)), stream, int(upcoming))
            self.logs[log.id] = log
            if written:
                self.current[stream] = log

    def _check_key(self) -> None:
        row: Any = self.db.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
        if row is None:
            sealed = self._sealer.seal(KEY_CHECK, b"key")
            self.db.execute("INSERT INTO meta VALUES ('key', ?)", (sealed,))
            return
        try:
            self._sealer.open(bytes(row[0]), b"key")
        except Damaged:
            raise WrongKey(f"{self.path} was sealed with another key") from None

    def _one(self, sql: str) -> int:
        row: Any = self.db.execute(sql).fetchone()
        return int(row[0])


def _place(log: UUID, first: int, count: int) -> bytes:
    return _PLACE.pack(log.bytes, first, count)


def rescued(path: Path) -> Iterator[tuple[Log, list[Segment]]]:
    """What can still be read of a damaged file: each log from its front and from its back."""
    with suppress(apsw.Error):
        db = apsw.Connection(str(path))
        try:
            rows: Any = db.execute("SELECT id, uuid, channel, priority, next FROM logs").fetchall()
            for row in rows:
                with suppress(ValueError, TypeError):
                    stream = Stream(Channel(str(row[2])), Priority(int(row[3])))
                    log = Log(int(row[0]), UUID(str(row[1])), stream, int(row[4]))
                    yield log, _readable(db, log.id)
        finally:
            db.close()


def _readable(db: apsw.Connection, log: int) -> list[Segment]:
    found: dict[int, Segment] = {}
    for order in ("", "DESC"):
        with suppress(apsw.Error, ValueError, TypeError):
            rows: Any = db.execute(
                f"SELECT id, first, count, sealed FROM segments WHERE log = ? ORDER BY id {order}",
                (log,),
            )
            for id, first, count, sealed in rows:
                found[int(id)] = Segment(int(id), log, int(first), int(count), bytes(sealed))
    return [found[id] for id in sorted(found)]
