"""Whom a rollout means, and the lists of who was meant, in PostgreSQL."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import sql

from application.ports.rollouts import Elsewhere, MeantDevice
from application.views.device import DeviceRow
from application.views.device_where import device_where
from domain.device_query import DeviceQuery
from domain.rollout_waves import members_digest
from infrastructure.postgres.database import Database
from infrastructure.postgres.row_sql import where_sql

_COLUMNS = (
    "id, name, labels, facts, agent, online, decommissioned, updating_rollout_id, installed_by"
)
_NAMED = f"SELECT {_COLUMNS} FROM devices WHERE id = ANY(%s) ORDER BY id"
_ELSEWHERE = """
SELECT u.device_id, u.rollout_id, r.name AS rollout_name, u.state
FROM updates u JOIN rollouts r ON r.id = u.rollout_id
WHERE u.device_id = ANY(%(devices)s) AND u.rollout_id IS DISTINCT FROM %(rollout)s
  AND (u.state IN ('OFFERED', 'ACCEPTED', 'DOWNLOADING', 'VERIFIED', 'WAITING', 'INSTALLING',
                   'PROBATION', 'REVERTING')
       OR u.state = 'QUEUED' AND r.status IN ('APPROVED', 'RUNNING', 'PAUSED'))
ORDER BY u.device_id, u.position
"""
_KEEP = """
INSERT INTO rollout_members (tenant_id, sha256, device_ids) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""
_FIND = "SELECT device_ids FROM rollout_members WHERE tenant_id = %s AND sha256 = %s"


class PostgresRolloutDevices:
    """Implements `application.ports.rollouts.RolloutDevices`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named(self, tenant_id: UUID, device_ids: Collection[UUID]) -> Sequence[MeantDevice]:
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(_NAMED.encode(), (list(device_ids),)).fetchall()
        return [MeantDevice(**row) for row in rows]

    def meant(self, tenant_id: UUID, query: DeviceQuery) -> Sequence[MeantDevice]:
        conditions, values = where_sql(DeviceRow, device_where(query))
        statement = sql.SQL("SELECT {} FROM devices WHERE {} ORDER BY id").format(
            sql.SQL(_COLUMNS), conditions
        )
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(statement, values).fetchall()
        return [MeantDevice(**row) for row in rows]

    def elsewhere(
        self, tenant_id: UUID, device_ids: Collection[UUID], rollout_id: UUID | None
    ) -> Sequence[Elsewhere]:
        values = {"devices": list(device_ids), "rollout": rollout_id}
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(_ELSEWHERE, values).fetchall()
        return [Elsewhere(**row) for row in rows]


class PostgresRolloutMembers:
    """Implements `application.ports.rollouts.RolloutMembers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, tenant_id: UUID, device_ids: Collection[UUID]) -> str:
        members = sorted(set(device_ids))
        digest = members_digest(members)
        with self._database.tenant(tenant_id) as connection:
            connection.execute(_KEEP, (tenant_id, digest, members))
        return digest

    def find(self, tenant_id: UUID, sha256: str) -> tuple[UUID, ...]:
        with self._database.tenant(tenant_id) as connection:
            row = connection.execute(_FIND, (tenant_id, sha256)).fetchone()
        if row is None:
            raise LookupError(f"the list of devices {sha256} is not kept")
        return tuple(row["device_ids"])
