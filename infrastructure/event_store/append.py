"""One durable transaction for the events of many saves: one call of `append_events` in PostgreSQL.

The function takes the lock that orders appends, gives positions, chains the hashes and notifies
whoever listens (migrations/0004_hash_chain.sql). The lock is held until the commit is durable:
nobody sees an event that could still be lost, and no position is given twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import Connection
from psycopg.rows import DictRow

from infrastructure.postgres.database import ENTER_TENANT

_APPEND = """
SELECT append_events(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::bytea[], %b::uuid[],
                     %b::uuid[]) AS positions
"""
_FIND = """
SELECT position, topic, state FROM events WHERE originator_id = %s AND originator_version = %s
"""


@dataclass(eq=False, slots=True)
class Save:
    """Events of one tenant that are saved together or not at all, and what became of them.

    `unsure` says that an earlier try may have been committed: what seems to be a conflict may be
    this very save. The thread that waits sleeps on `woken`, which whoever settles it releases."""

    tenant_id: UUID
    events: Sequence[StoredEvent]
    positions: list[int] | None = None
    error: Exception | None = None
    unsure: bool = False
    woken: Lock = field(default_factory=Lock)

    @property
    def settled(self) -> bool:
        return self.positions is not None or self.error is not None


def append(connection: Connection[DictRow], saves: Sequence[Save]) -> None:
    """Settles all saves. A save whose stream has moved on fails, and no other with it."""
    positions = _appended(connection, saves)
    start = 0
    for save in saves:
        end = start + len(save.events)
        found = positions[start:end]
        if None not in found:
            save.positions = [place for place in found if place is not None]
        elif save.unsure:
            save.positions = _already_saved(connection, save)
        if save.positions is None:
            save.error = IntegrityError("another change to the same stream was saved first")
        start = end


def _appended(connection: Connection[DictRow], saves: Iterable[Save]) -> list[int | None]:
    streams: dict[UUID | str, int] = {}
    rows = [
        (
            number,
            streams.setdefault(event.originator_id, len(streams) + 1),
            event.originator_version,
            event.topic,
            event.state,
            save.tenant_id,
        )
        for number, save in enumerate(saves, 1)
        for event in save.events
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    row = connection.execute(_APPEND, (*columns, list(streams))).fetchone()
    assert row is not None
    positions: list[int | None] = row["positions"]
    return positions


def _already_saved(connection: Connection[DictRow], save: Save) -> list[int] | None:
    """The positions of this very save, when an earlier try of it was committed after all."""
    positions: list[int] = []
    with connection.transaction():
        connection.execute(ENTER_TENANT, (str(save.tenant_id),))
        for event in save.events:
            key = (event.originator_id, event.originator_version)
            row = connection.execute(_FIND, key).fetchone()
            if row is None or (row["topic"], bytes(row["state"])) != (event.topic, event.state):
                return None
            positions.append(row["position"])
    return positions
