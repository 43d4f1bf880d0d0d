"""The rows of the outbox that are for devices, or for the broker about them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from application.ports.device_outbox import Due
from application.views.device_messages import KIND
from infrastructure.postgres.database import Database

AGAIN_AFTER = timedelta(seconds=5)

_DUE = """
UPDATE outbox SET available_at = clock_timestamp() + %(again)s, attempts = attempts + 1
WHERE (kind, dedupe_key) IN (
    SELECT kind, dedupe_key FROM outbox
    WHERE available_at <= clock_timestamp() AND kind = %(kind)s
    ORDER BY available_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, dedupe_key, payload, created_at
"""
_DONE = "DELETE FROM outbox WHERE kind = %s AND dedupe_key = %s AND payload = %s"


class PostgresDeviceOutbox:
    """Implements `application.ports.device_outbox.DeviceOutbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, most: int) -> Sequence[Due]:
        values = {"again": AGAIN_AFTER, "kind": KIND, "most": most}
        with self._database.system() as connection:
            rows = connection.execute(_DUE, values).fetchall()
        return [
            Due(row["dedupe_key"], row["tenant_id"], UUID(row["payload"]["device"]), row["payload"])
            for row in sorted(rows, key=lambda row: row["created_at"])
        ]

    def done(self, due: Due) -> None:
        with self._database.system() as connection:
            connection.execute(_DONE, (KIND, due.key, Jsonb(due.payload)))
