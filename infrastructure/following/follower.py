"""One follower of the log: read the next events, handle them, remember how far.

Everything of a batch (handling and position) is one transaction under a lock on the follower's
row, so any number of processes may run the same follower: one works, and when it dies another
goes on at once. An event that cannot be handled stops the follower there, with the reason in
its row; it tries again every second and goes on after a fix. It never skips.
"""

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from eventsourcing.persistence import Mapper
from psycopg import Connection, OperationalError
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from application.ports.event_log import RecordedEvent
from infrastructure.event_store.postgres import recorded_event
from infrastructure.following.feed import head, next_rows
from infrastructure.looping import Looping
from infrastructure.postgres.database import Database

BATCH = 500
FOLLOWED_CHANNEL = "edgewise_followed"

log = logging.getLogger(__name__)

_LOCK = "SELECT position FROM followers WHERE name = %s FOR UPDATE SKIP LOCKED"
_MOVE = """
UPDATE followers SET position = %s, updated_at = now(), stopped_position = NULL,
    stopped_topic = NULL, stopped_error = NULL, stopped_since = NULL WHERE name = %s
"""
_STOP = """
UPDATE followers SET stopped_position = %s, stopped_topic = %s, stopped_error = %s,
    stopped_since = coalesce(stopped_since, now()) WHERE name = %s
"""


class Handling(Protocol):
    """What a follower does with events: fill tables, or carry out a policy."""

    @property
    def name(self) -> str: ...

    @property
    def topics(self) -> Sequence[str]: ...

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        """Handles the events in order; what it writes through `connection` is committed with the
        new position."""
        ...


class Stopped(Exception):
    """An event cannot be handled."""

    def __init__(self, row: DictRow, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.row = row


class Follower(Looping):
    """A thread that keeps one handling up with the log."""

    def __init__(
        self,
        database: Database,
        handling: Handling,
        mapper: Mapper[UUID],
        look_again: float = 1.0,
    ) -> None:
        super().__init__(f"follower {handling.name}", self.step, look_again)
        self._database, self._handling, self._mapper = database, handling, mapper
        self._told_of: int | None = None

    def step(self) -> bool:
        """Handles the next batch; returns whether there may be more right away."""
        for size in (BATCH, 1):
            try:
                return self._advance(size)
            except Stopped as stopped:
                if size == 1:
                    self._stop(stopped)
        return False

    def _advance(self, size: int) -> bool:
        name, topics = self._handling.name, self._handling.topics
        with self._database.system() as connection:
            locked = connection.execute(_LOCK, (name,)).fetchone()
            if locked is None:
                self._enroll(connection)
                return False
            newest = head(connection)
            rows = next_rows(connection, locked["position"], topics, size)
            if not rows and newest <= locked["position"]:
                return False
            self._handle(connection, rows)
            position = rows[-1]["position"] if len(rows) == size else max(newest, _last(rows))
            connection.execute(_MOVE, (position, name))
            payload = f"{name} {position}"
            connection.execute("SELECT pg_notify(%s, %s)", (FOLLOWED_CHANNEL, payload))
        return len(rows) == size

    def _enroll(self, connection: Connection[DictRow]) -> None:
        connection.execute(
            "INSERT INTO followers (name) VALUES (%s) ON CONFLICT DO NOTHING",
            (self._handling.name,),
        )

    def _handle(self, connection: Connection[DictRow], rows: list[DictRow]) -> None:
        row = rows[0] if rows else None
        events = []
        try:
            for row in rows:
                events.append(recorded_event(row, self._mapper))
            self._handling.handle(connection, events)
        except Exception as error:
            if _is_passing(error):
                raise
            assert row is not None
            raise Stopped(rows[0], error) from error

    def _stop(self, stopped: Stopped) -> None:
        row, name = stopped.row, self._handling.name
        if self._told_of != row["position"]:
            log.error("%s stopped at %s (%s): %s", name, row["position"], row["topic"], stopped)
            self._told_of = row["position"]
        with self._database.system() as connection:
            values = (row["position"], row["topic"], str(stopped)[:2000], name)
            connection.execute(_STOP, values)


def _is_passing(error: Exception) -> bool:
    """Whether it is the connection's fault. PostgreSQL's own limits (class 54) are the row's."""
    if isinstance(error, OperationalError):
        return not (error.sqlstate or "").startswith("54")
    return isinstance(error, PoolTimeout)


def _last(rows: list[DictRow]) -> int:
    return int(rows[-1]["position"]) if rows else 0
