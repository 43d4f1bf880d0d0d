"""Calls that were taken, in PostgreSQL: all API processes know of each other's."""

from datetime import datetime

from infrastructure.postgres.database import Database

_TAKE = """
INSERT INTO device_calls (id, expires_at) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING RETURNING id
"""
_FORGET = "DELETE FROM device_calls WHERE expires_at < clock_timestamp() - interval '1 minute'"


class PostgresDeviceCalls:
    """Implements `application.ports.device_calls.DeviceCalls`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, id: str, expires_at: datetime) -> bool:
        with self._database.statements() as connection:
            return connection.execute(_TAKE, (id, expires_at)).fetchone() is not None

    def sweep(self) -> bool:
        """A step for `Looping`: forgets what is too old to be taken again."""
        with self._database.statements() as connection:
            connection.execute(_FORGET)
        return False
