"""Finding a claim by the sha256 of its code, across tenants.

A claim that was issued an instant ago may not be projected yet: before an unknown code is refused,
the view is given as long as any read to reach the head of the log.
"""

import time
from uuid import UUID

from application.waiting import LONGEST_WAIT
from infrastructure.postgres.database import Database

_FIND = "SELECT tenant_id, id FROM device_claims WHERE sha256 = %s"
_BEHIND = """
SELECT coalesce((SELECT max(position) FROM events WHERE topic LIKE 'device-claim.%'), 0)
     > coalesce((SELECT position FROM followers WHERE name = 'device_claims'), 0) AS behind
"""


class PostgresDeviceClaims:
    """Implements `application.ports.device_claims.DeviceClaims`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, sha256: str) -> tuple[UUID, UUID] | None:
        deadline = time.monotonic() + LONGEST_WAIT
        found = self._find(sha256)
        while found is None and time.monotonic() < deadline:
            if not self._behind():
                return self._find(sha256)
            time.sleep(0.02)
        return found

    def _find(self, sha256: str) -> tuple[UUID, UUID] | None:
        with self._database.system() as connection:
            row = connection.execute(_FIND, (sha256,)).fetchone()
        return None if row is None else (row["tenant_id"], row["id"])

    def _behind(self) -> bool:
        with self._database.system() as connection:
            row = connection.execute(_BEHIND).fetchone()
        return row is not None and bool(row["behind"])
