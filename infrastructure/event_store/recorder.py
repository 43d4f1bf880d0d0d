"""The event store's recorders on PostgreSQL, under row-level security.

They serve the `eventsourcing` library in place of its own PostgreSQL recorders: the events table
carries tenant_id and recorded_at, appends are group commits, and every statement runs inside the
tenant whose cause is acting.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    StoredEvent,
    Subscription,
)
from psycopg.rows import DictRow

from domain.cause import current_cause
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.postgres.database import Database

_SELECT = """
SELECT originator_id, originator_version, topic, state FROM {table}
WHERE originator_id = %(stream)s
  AND (%(gt)s::bigint IS NULL OR originator_version > %(gt)s)
  AND (%(lte)s::bigint IS NULL OR originator_version <= %(lte)s)
ORDER BY originator_version {order} LIMIT %(limit)s
"""
_SNAPSHOT = """
INSERT INTO snapshots (originator_id, originator_version, topic, state, tenant_id)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_NOTIFICATIONS = """
SELECT position, originator_id, originator_version, topic, state FROM events
WHERE position >= %(start)s AND (%(stop)s::bigint IS NULL OR position <= %(stop)s)
  AND (%(topics)s::text[] IS NULL OR topic = ANY(%(topics)s))
ORDER BY position LIMIT %(limit)s
"""


class TenantAggregateRecorder(AggregateRecorder):
    """Reads and writes the streams of the acting tenant in one table."""

    table = "snapshots"

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        tenant_id = current_cause().tenant_id
        with self._database.tenant(tenant_id) as connection:
            for event in stored_events:
                row = (
                    event.originator_id,
                    event.originator_version,
                    event.topic,
                    event.state,
                )
                connection.execute(_SNAPSHOT, (*row, tenant_id))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        statement = _SELECT.format(table=self.table, order="DESC" if desc else "ASC")
        values = {"stream": originator_id, "gt": gt, "lte": lte, "limit": limit}
        with self._database.tenant(current_cause().tenant_id) as connection:
            rows = connection.execute(statement, values).fetchall()
        return [_stored(row) for row in rows]


class TenantEventRecorder(TenantAggregateRecorder, ApplicationRecorder):
    """The events table."""

    table = "events"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._appends = GroupCommit(database.appends)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        if not stored_events:
            return []
        return self._appends.append(current_cause().tenant_id, stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 0 if start is None else start if inclusive_of_start else start + 1
        values = {
            "start": first,
            "stop": stop,
            "topics": list(topics) or None,
            "limit": limit,
        }
        with self._database.tenant(current_cause().tenant_id) as connection:
            rows = connection.execute(_NOTIFICATIONS, values).fetchall()
        return [
            Notification(
                id=row["position"],
                originator_id=row["originator_id"],
                originator_version=row["originator_version"],
                topic=row["topic"],
                state=bytes(row["state"]),
            )
            for row in rows
        ]

    def max_notification_id(self) -> int | None:
        with self._database.tenant(current_cause().tenant_id) as connection:
            row = connection.execute("SELECT max(position) AS head FROM events").fetchone()
        return None if row is None else row["head"]

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        raise NotImplementedError("events are followed by position: see infrastructure/following")


def _stored(row: DictRow) -> StoredEvent:
    return StoredEvent(
        originator_id=row["originator_id"],
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=bytes(row["state"]),
    )
