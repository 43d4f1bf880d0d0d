"""Sessions of devices in PostgreSQL, by its clock: an operational table."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from psycopg.rows import DictRow

from application.ports.device_sessions import EndedSession, Session
from domain.device_presence import OfflineReason
from edge.protocol.bodies import HEARTBEAT_SECONDS, OVERDUE_AFTER
from infrastructure.postgres.database import Database

BELIEVED_AFTER = timedelta(seconds=3)
"""A connection that is lost and is there again by then was never offline."""
SILENT_AFTER = timedelta(seconds=HEARTBEAT_SECONDS * OVERDUE_AFTER)

_BEGAN = """
INSERT INTO device_sessions AS known (device_id, tenant_id, boot_id, seen_at, since)
VALUES (%s, %s, %s, clock_timestamp(), %s)
ON CONFLICT (device_id) DO UPDATE
    SET boot_id = excluded.boot_id, seen_at = excluded.seen_at, lost_at = NULL, reason = NULL,
        since = CASE WHEN known.boot_id = excluded.boot_id
                THEN greatest(known.since, excluded.since) ELSE excluded.since END
"""
_SEEN = """
UPDATE device_sessions s SET seen_at = clock_timestamp(), lost_at = NULL, reason = NULL
FROM unnest(%s::uuid[], %s::uuid[]) AS heard (device_id, boot_id)
WHERE s.device_id = heard.device_id AND s.boot_id = heard.boot_id
RETURNING s.device_id, s.boot_id
"""
_LEFT = """
UPDATE device_sessions SET lost_at = clock_timestamp() - %s::interval, reason = %s
WHERE device_id = %s AND boot_id = %s AND since <= %s AND lost_at IS NULL
"""
_ENDED = """
SELECT device_id, tenant_id, boot_id, coalesce(reason, 'LOST') AS reason FROM device_sessions
WHERE lost_at < clock_timestamp() - %(believed)s OR seen_at < clock_timestamp() - %(silent)s
ORDER BY seen_at LIMIT %(most)s
"""
_FORGET = "DELETE FROM device_sessions WHERE device_id = %s AND boot_id = %s"
_PRESUME = "UPDATE device_sessions SET seen_at = clock_timestamp() WHERE lost_at IS NULL"


class PostgresDeviceSessions:
    """Implements `application.ports.device_sessions.DeviceSessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def began(self, session: Session, since: int = 0) -> None:
        values = (session.device_id, session.tenant_id, session.boot_id, since)
        with self._database.statements() as connection:
            connection.execute(_BEGAN, values)

    def seen(self, sessions: Collection[Session]) -> list[Session]:
        devices = [one.device_id for one in sessions]
        boots = [one.boot_id for one in sessions]
        with self._database.statements() as connection:
            known = connection.execute(_SEEN, (devices, boots)).fetchall()
        found: set[tuple[UUID, UUID]] = {(row["device_id"], row["boot_id"]) for row in known}
        return [one for one in sessions if (one.device_id, one.boot_id) not in found]

    def left(self, session: Session, reason: OfflineReason, number: int) -> None:
        # Who said goodbye is believed at once.
        sure = BELIEVED_AFTER if reason is OfflineReason.STOPPED else timedelta()
        values = (sure, reason, session.device_id, session.boot_id, number)
        with self._database.statements() as connection:
            connection.execute(_LEFT, values)

    def ended(self, most: int) -> list[EndedSession]:
        values = {"believed": BELIEVED_AFTER, "silent": SILENT_AFTER, "most": most}
        with self._database.system() as connection:
            rows = connection.execute(_ENDED, values).fetchall()
        return [_ended(row) for row in rows]

    def forget(self, session: Session) -> None:
        with self._database.system() as connection:
            connection.execute(_FORGET, (session.device_id, session.boot_id))

    def presume_alive(self) -> None:
        with self._database.system() as connection:
            connection.execute(_PRESUME)


def _ended(row: DictRow) -> EndedSession:
    session = Session(row["tenant_id"], row["device_id"], row["boot_id"])
    return EndedSession(session, OfflineReason(row["reason"]))
