"""Sessions and throttles in PostgreSQL: they outlast every process, and all processes share them.

Every end of a session is told by NOTIFY in the transaction that ends it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from application.ports.listening import ACCESS
from application.ports.sessions import IDLE, Session
from application.ports.throttle import Rate
from domain.principal import Role
from infrastructure.postgres.database import Database

SEEN_AGAIN = timedelta(minutes=1)

_COLUMNS = """s.id, s.user_id, s.acting_in, s.started_at, s.seen_at, s.expires_at, s.agent,
              s.address, m.role"""
_SESSIONS = """sessions s LEFT JOIN tenant_members m
               ON m.tenant_id = s.acting_in AND m.user_id = s.user_id"""
_LASTS = "s.expires_at > %(now)s AND s.seen_at > %(now)s - %(idle)s"
_START = """
INSERT INTO sessions (id, sha256, user_id, acting_in, started_at, seen_at, expires_at, agent,
                      address)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_FIND = f"SELECT {_COLUMNS} FROM {_SESSIONS} WHERE s.sha256 = %(sha256)s AND {_LASTS}"
_OF_USER = f"""
SELECT {_COLUMNS} FROM {_SESSIONS} WHERE s.user_id = %(user)s AND {_LASTS}
ORDER BY s.started_at DESC, s.id
"""
_SEEN = "UPDATE sessions SET seen_at = %s WHERE id = %s AND seen_at < %s"
_END = """
WITH ended AS (
    DELETE FROM sessions
    WHERE user_id = %(user)s AND (%(one)s::uuid IS NULL OR id = %(one)s)
      AND id IS DISTINCT FROM %(but)s::uuid
    RETURNING id
)
SELECT pg_notify(%(channel)s, 'session ' || id) FROM ended
"""
_SWEEP = """
WITH ended AS (
    DELETE FROM sessions s WHERE NOT (s.expires_at > %(now)s AND s.seen_at > %(now)s - %(idle)s)
    RETURNING id
)
SELECT pg_notify(%(channel)s, 'session ' || id) FROM ended
"""
_TAKE = """
INSERT INTO throttles (key, paid_at) VALUES (%(key)s, %(now)s + %(every)s)
ON CONFLICT (key) DO UPDATE SET paid_at = greatest(throttles.paid_at, %(now)s) + %(every)s
    WHERE greatest(throttles.paid_at, %(now)s) + %(every)s <= %(now)s + %(slack)s
RETURNING paid_at
"""


class PostgresSessions:
    """Implements `application.ports.sessions.Sessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, session: Session, sha256: str, instead_of: UUID | None = None) -> None:
        with self._database.system() as connection:
            if instead_of is not None:
                connection.execute(_END, _ending(session.user_id, instead_of))
            row = (session.id, sha256, session.user_id, session.acting_in, session.started_at)
            times = (session.seen_at, session.expires_at)
            connection.execute(_START, (*row, *times, session.agent, session.address))

    def find(self, sha256: str, now: datetime) -> Session | None:
        with self._database.system() as connection:
            values = {"sha256": sha256, "now": now, "idle": IDLE}
            row = connection.execute(_FIND, values).fetchone()
            if row is None:
                return None
            if now - row["seen_at"] >= SEEN_AGAIN:
                connection.execute(_SEEN, (now, row["id"], now))
        return _session(row)

    def of_user(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        with self._database.system() as connection:
            values = {"user": user_id, "now": now, "idle": IDLE}
            return [_session(row) for row in connection.execute(_OF_USER, values).fetchall()]

    def end(self, user_id: UUID, session_id: UUID | None = None, but: UUID | None = None) -> int:
        with self._database.system() as connection:
            return len(connection.execute(_END, _ending(user_id, session_id, but)).fetchall())

    def sweep(self, now: datetime) -> None:
        """Removes what is over: sessions, invitees, flows and throttles."""
        with self._database.system() as connection:
            connection.execute(_SWEEP, {"now": now, "idle": IDLE, "channel": ACCESS})
            connection.execute("DELETE FROM throttles WHERE paid_at < %s", (now,))
            for table in ("invitees", "oidc_flows"):
                connection.execute(f"DELETE FROM {table} WHERE expires_at < %s".encode(), (now,))


class PostgresThrottle:
    """Implements `application.ports.throttle.Throttle`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, rates: Mapping[str, Rate], now: datetime) -> timedelta | None:
        with self._database.system() as connection, connection.transaction() as together:
            waits = []
            for key, rate in sorted(rates.items()):  # in one order, so that none waits in a ring
                values = {"key": key, "now": now, "every": rate.every, "slack": rate.slack}
                if connection.execute(_TAKE, values).fetchone() is None:
                    statement = "SELECT paid_at FROM throttles WHERE key = %s"
                    row = connection.execute(statement, (key,)).fetchone()
                    assert row is not None
                    waits.append(row["paid_at"] + rate.every - rate.slack - now)
            if waits:
                together.force_rollback = True
        return max(waits, default=None)

    def forget(self, key: str) -> None:
        with self._database.system() as connection:
            connection.execute("DELETE FROM throttles WHERE key = %s", (key,))


def _ending(user_id: UUID, one: UUID | None = None, but: UUID | None = None) -> dict[str, object]:
    return {"user": user_id, "one": one, "but": but, "channel": ACCESS}


def _session(row: DictRow) -> Session:
    return Session(**{**row, "role": None if row["role"] is None else Role(row["role"])})
