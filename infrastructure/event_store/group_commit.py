"""Saves that arrive together are made durable together, in one transaction.

The first thread to arrive leads: it commits what is queued, hands each waiting thread its outcome,
and passes the lead to the first of those that came meanwhile. An exclusive advisory lock makes the
order of positions the order of commits, across processes too, and it is held until the commit
is durable: nobody sees an event that could still be lost, and no position is given twice.

A save that conflicts fails alone. When the connection breaks at commit, whether the batch was
saved is unknown; each save is then looked up by stream and version before it is tried again.
"""

import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool, PoolTimeout

from infrastructure.postgres.database import ENTER_TENANT

APPEND_LOCK = 0x45444745  # "EDGE"; the key of the advisory lock that orders appends
CHANNEL = "edgewise_events"
MOST_EVENTS = 500
MOST_TRIES = 8

_INSERT = """
INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)
SELECT stream, version, topic, state, %(tenant)s
FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[], %(topics)s::text[], %(states)s::bytea[])
     WITH ORDINALITY AS e (stream, version, topic, state, place)
ORDER BY place
ON CONFLICT DO NOTHING
RETURNING originator_id, originator_version, position
"""
_FIND = """
SELECT position, topic, state FROM events WHERE originator_id = %s AND originator_version = %s
"""


@dataclass(eq=False)
class _Save:
    tenant_id: UUID
    events: Sequence[StoredEvent]
    positions: list[int] | None = None
    error: Exception | None = None
    leads: bool = field(default=False)

    @property
    def settled(self) -> bool:
        return self.positions is not None or self.error is not None


class GroupCommit:
    """Appends to the events table through one pool."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool
        self._changed = Condition(Lock())
        self._queue: deque[_Save] = deque()
        self._led = False

    def append(self, tenant_id: UUID, events: Sequence[StoredEvent]) -> list[int]:
        """Makes `events` durable and returns their positions.

        Raises IntegrityError when a stream has that version already."""
        save = _Save(tenant_id, events)
        with self._changed:
            self._queue.append(save)
            if not self._led:
                self._led = save.leads = True
            while not (save.settled or save.leads):
                self._changed.wait()
            batch = self._take() if not save.settled else []
        if batch:
            self._commit(batch)
            self._pass_on()
        if save.error is not None:
            raise save.error
        assert save.positions is not None
        return save.positions

    def _take(self) -> list[_Save]:
        batch: list[_Save] = []
        size = 0
        while self._queue and (not batch or size + len(self._queue[0].events) <= MOST_EVENTS):
            batch.append(self._queue.popleft())
            size += len(batch[-1].events)
        return batch

    def _pass_on(self) -> None:
        with self._changed:
            if self._queue:
                self._queue[0].leads = True
            else:
                self._led = False
            self._changed.notify_all()

    def _commit(self, batch: list[_Save]) -> None:
        try:
            if len(batch) > 1 and self._together(batch):
                return
        except Exception:  # the batch is settled one by one below, whatever broke it
            pass
        for save in batch:
            try:
                save.positions = self._alone(save)
            except Exception as error:
                save.error = error

    def _together(self, batch: list[_Save]) -> bool:
        """One durable transaction for all, or nothing where any of them conflicts."""
        with self._pool.connection() as connection:
            try:
                with connection.transaction():
                    found = [_insert(connection, save) for save in batch]
            except IntegrityError:
                return False
        for save, positions in zip(batch, found, strict=True):
            save.positions = positions
        return True

    def _alone(self, save: _Save) -> list[int]:
        for tried in range(MOST_TRIES):
            try:
                with self._pool.connection() as connection:
                    return _insert_or_find(connection, save)
            except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
                if tried == MOST_TRIES - 1:
                    raise
                time.sleep(0.1 * 2**tried * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")


def _insert(connection: Connection[DictRow], save: _Save) -> list[int]:
    with connection.pipeline():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (APPEND_LOCK,))
        connection.execute(ENTER_TENANT, (str(save.tenant_id),))
        inserted = connection.execute(
            _INSERT,
            {
                "tenant": save.tenant_id,
                "streams": [event.originator_id for event in save.events],
                "versions": [event.originator_version for event in save.events],
                "topics": [event.topic for event in save.events],
                "states": [event.state for event in save.events],
            },
        )
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    rows = inserted.fetchall()
    if len(rows) != len(save.events):
        raise IntegrityError("another change to the same stream was saved first")
    return [row["position"] for row in rows]


def _insert_or_find(connection: Connection[DictRow], save: _Save) -> list[int]:
    """What conflicts may be this very save: a try whose commit broke may have been committed."""
    try:
        with connection.transaction():
            return _insert(connection, save)
    except IntegrityError:
        with connection.transaction():
            saved = _already_saved(connection, save)
        if saved is None:
            raise
        return saved


def _already_saved(connection: Connection[DictRow], save: _Save) -> list[int] | None:
    """The positions of this very save, when an earlier try of it was committed after all."""
    connection.execute(ENTER_TENANT, (str(save.tenant_id),))
    positions = []
    for event in save.events:
        row = connection.execute(_FIND, (event.originator_id, event.originator_version)).fetchone()
        if row is None or bytes(row["state"]) != event.state or row["topic"] != event.topic:
            return None
        positions.append(row["position"])
    return positions
