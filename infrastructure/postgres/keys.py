"""Finding a key by its secret, through the one function that may look across tenants.

A key that was issued an instant ago may not be projected yet: before an unknown secret is refused,
the view of tenants is given as long as any read to reach the head of the log.
"""

import asyncio
import time

from application.commands.tenant import hash_secret
from application.waiting import LONGEST_WAIT
from domain.principal import Principal, Role
from infrastructure.postgres.database import Database

_FIND = "SELECT id, tenant_id, role, platform FROM find_api_key(%s)"
_BEHIND = """
SELECT coalesce((SELECT max(position) FROM events WHERE topic LIKE 'tenant.%'), 0)
     > coalesce((SELECT position FROM followers WHERE name = 'tenants'), 0) AS behind
"""


class PostgresKeys:
    """Implements `application.ports.keys.Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(self, secret: str) -> Principal | None:
        sha256 = hash_secret(secret)
        found = await asyncio.to_thread(self._find, sha256)
        deadline = time.monotonic() + LONGEST_WAIT
        while found is None and time.monotonic() < deadline:
            if not await asyncio.to_thread(self._behind):
                return await asyncio.to_thread(self._find, sha256)
            await asyncio.sleep(0.05)
        return found

    def _find(self, sha256: str) -> Principal | None:
        with self._database.anonymous() as connection:
            row = connection.execute(_FIND, (sha256,)).fetchone()
        if row is None:
            return None
        return Principal(
            row["tenant_id"],
            f"key:{row['id']}",
            Role(row["role"]),
            row["platform"],
            key_id=row["id"],
        )

    def _behind(self) -> bool:
        with self._database.system() as connection:
            row = connection.execute(_BEHIND).fetchone()
        return row is not None and bool(row["behind"])
