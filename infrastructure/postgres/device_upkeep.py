"""Looking across all tenants' devices, for the gateway."""

from collections.abc import Sequence

from application.ports.device_upkeep import OverdueCommand
from infrastructure.postgres.database import Database

_OVERDUE = """
SELECT tenant_id, device_id, id AS command_id FROM device_commands
WHERE status = 'SENT' AND expires_at <= clock_timestamp() ORDER BY expires_at LIMIT %s
"""
_REVOKED = """
SELECT serial FROM device_certificates
WHERE revoked_at IS NOT NULL AND expires_at > clock_timestamp() ORDER BY serial
"""


class PostgresDeviceUpkeep:
    """Implements `application.ports.device_upkeep.DeviceUpkeep`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def overdue_commands(self, most: int) -> Sequence[OverdueCommand]:
        with self._database.system() as connection:
            rows = connection.execute(_OVERDUE, (most,)).fetchall()
        return [OverdueCommand(**row) for row in rows]

    def revoked_serials(self) -> Sequence[str]:
        with self._database.system() as connection:
            rows = connection.execute(_REVOKED).fetchall()
        return [row["serial"] for row in rows]
