"""The table of workers: operational rows that live as long as their workers announce them."""

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from application.ports.workers import FORGOTTEN_AFTER, SILENT_AFTER, Announcement, WorkerRow
from infrastructure.postgres.database import Database

_ANNOUNCE = """
INSERT INTO workers (id, host, capabilities, facts, started_at, seen_at)
VALUES (%(id)s, %(host)s, %(capabilities)s, %(facts)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET capabilities = excluded.capabilities, facts = excluded.facts,
    seen_at = excluded.seen_at
"""
_FORGET = "DELETE FROM workers WHERE seen_at < clock_timestamp() - %s"
_WITHDRAW = "DELETE FROM workers WHERE id = %s"
_OFFERS = "SELECT capabilities FROM workers WHERE seen_at >= clock_timestamp() - %s"
_WORKERS = """
SELECT id, host, capabilities, facts, started_at, seen_at,
       seen_at < clock_timestamp() - %s AS silent
FROM workers ORDER BY started_at, id
"""


class PostgresWorkers:
    """Implements `application.ports.workers.Workers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, announcement: Announcement) -> None:
        values = {
            "id": announcement.id,
            "host": announcement.host,
            "capabilities": list(announcement.capabilities),
            "facts": Jsonb(dict(announcement.facts)),
        }
        with self._database.system() as connection:
            connection.execute(_ANNOUNCE, values)
            connection.execute(_FORGET, (FORGOTTEN_AFTER,))

    def withdraw(self, id: str) -> None:
        with self._database.system() as connection:
            connection.execute(_WITHDRAW, (id,))

    def offers(self) -> list[frozenset[str]]:
        with self._database.system() as connection:
            found = connection.execute(_OFFERS, (SILENT_AFTER,)).fetchall()
        return [frozenset(row["capabilities"]) for row in found]


async def workers_of(connection: AsyncConnection[DictRow]) -> list[WorkerRow]:
    """All workers that are remembered; for `application.ports.workers.WorkerReads`."""
    found = await (await connection.execute(_WORKERS, (SILENT_AFTER,))).fetchall()
    return [WorkerRow(**row) for row in found]
