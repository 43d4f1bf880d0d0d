"""One step of one follower: lock its row, read the next events, handle them, move the row.

All of it is the caller's transaction, so what was handled and how far are true together. Which
`followers` row and which tables are meant follows from the connection's search path: a rebuild
takes the same steps in a schema of its own.

Whoever falls silent inside a step loses the row. PostgreSQL ends a session that does nothing inside
its transaction for `PATIENCE`, whether its process hangs or its network was cut, and looks after
a silent connection as often. That clock stands still between the messages of a pipeline; there the
whole transaction's own, `LONGEST`, ends what never goes on (PostgreSQL 17 and newer know it).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from eventsourcing.persistence import Mapper
from psycopg import Connection, OperationalError
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from application.ports.event_log import RecordedEvent
from infrastructure.event_store.postgres import recorded_event
from infrastructure.following.feed import next_rows

PATIENCE = "2s"
LONGEST = "60s"
KNOWS_LONGEST = 17_00_00

_END_AT_LAST = "set_config('transaction_timeout', %(longest)s, true),"
_LOCK = """
SELECT position,
       (SELECT coalesce(max(position), 0) FROM events) AS head,
       {end_at_last}
       set_config('idle_in_transaction_session_timeout', %(patience)s, true),
       set_config('tcp_keepalives_idle', '1', true),
       set_config('tcp_keepalives_interval', '1', true),
       set_config('tcp_keepalives_count', '2', true)
FROM followers WHERE name = %(name)s FOR UPDATE SKIP LOCKED
"""
_MOVE = """
UPDATE followers SET position = %(position)s, updated_at = now(), stopped_position = NULL,
    stopped_topic = NULL, stopped_error = NULL, stopped_since = NULL WHERE name = %(name)s
RETURNING CASE WHEN %(channel)s::text IS NOT NULL
    THEN pg_notify(%(channel)s::text, name || ' ' || position)::text END
"""


class Handling(Protocol):
    """What a follower does with events: fill tables, or carry out a policy."""

    @property
    def name(self) -> str: ...

    @property
    def topics(self) -> Sequence[str]: ...

    @property
    def at_once(self) -> int:
        """How many events a transaction may hold; what is lost with it is handled again."""
        ...

    def handle(self, connection: Connection[DictRow], events: Iterable[RecordedEvent]) -> None:
        """Handles the events in order; what it writes through `connection` is committed with the
        new position."""
        ...


class Stopped(Exception):
    """An event cannot be handled."""

    def __init__(self, row: DictRow, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.row = row


@dataclass(frozen=True, slots=True)
class Step:
    """Where the follower is now, how many events it handled, whether there may be more."""

    position: int
    handled: int
    more: bool


def advance(
    connection: Connection[DictRow],
    handling: Handling,
    mapper: Mapper[UUID],
    size: int,
    until: int | None = None,
    channel: str | None = None,
) -> Step | None:
    """Handles up to `size` events, none of them after `until`, and tells `channel` where it is now;
    None when the follower's row is held by another or is not there. Raises Stopped."""
    knows = connection.info.server_version >= KNOWS_LONGEST
    statement = _LOCK.format(end_at_last=_END_AT_LAST if knows else "")
    limits = {"patience": PATIENCE, "longest": LONGEST}
    locked = connection.execute(statement, {"name": handling.name, **limits}).fetchone()
    if locked is None:
        return None
    was = int(locked["position"])
    newest = int(locked["head"]) if until is None else until
    rows = next_rows(connection, was, newest, handling.topics, size) if newest > was else []
    if rows:
        _handle(connection, handling, mapper, rows)
    more = len(rows) == size
    position = int(rows[-1]["position"]) if more else max(newest, was)
    if position > was:
        values = {"position": position, "name": handling.name, "channel": channel}
        connection.execute(_MOVE, values)
    return Step(position, len(rows), more)


def _handle(
    connection: Connection[DictRow],
    handling: Handling,
    mapper: Mapper[UUID],
    rows: list[DictRow],
) -> None:
    try:
        handling.handle(connection, (recorded_event(row, mapper) for row in rows))
    except Exception as error:
        if connection.closed or _is_passing(error):
            raise
        raise Stopped(rows[0], error) from error


def _is_passing(error: Exception) -> bool:
    """Whether it is the connection's fault. PostgreSQL's own limits (class 54) are the row's."""
    if isinstance(error, OperationalError):
        return not (error.sqlstate or "").startswith("54")
    return isinstance(error, PoolTimeout)
