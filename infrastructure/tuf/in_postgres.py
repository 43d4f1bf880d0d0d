"""The metadata of repositories in PostgreSQL, each tenant's under row-level security.

A writer holds the tenant's advisory lock until its transaction ends, so a second one sees what the
first has done; what a crash interrupts was never there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.trusted_targets import Target, TrustRole
from infrastructure.postgres.database import Database
from infrastructure.tuf.shelves import Shelf, Stored

KEPT = timedelta(days=2)
"""How long what was replaced can still be read: longer than a timestamp that names it lives."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('trust:' || %s::text, 0))"
_NEWEST = """
SELECT content FROM trust_metadata
WHERE tenant_id = %s AND role = %s AND replaced_at IS NULL
"""
_VERSION = "SELECT content FROM trust_metadata WHERE tenant_id = %s AND role = %s AND version = %s"
_REPLACE = """
UPDATE trust_metadata SET replaced_at = clock_timestamp()
WHERE tenant_id = %s AND role = %s AND replaced_at IS NULL
"""
_PUT = """
INSERT INTO trust_metadata (tenant_id, role, version, content, expires_at, renew_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_FORGET = """
DELETE FROM trust_metadata
WHERE tenant_id = %s AND role <> 'root' AND replaced_at < clock_timestamp() - %s
"""
_ENLIST = """
INSERT INTO trust_targets (tenant_id, published_at, sha256, bytes)
SELECT %s, %s, * FROM unnest(%s::text[], %s::bigint[])
ON CONFLICT (tenant_id, sha256) DO NOTHING RETURNING sha256, bytes
"""
_STRIKE = """
DELETE FROM trust_targets WHERE tenant_id = %s AND (sha256 = ANY(%s) OR published_at < %s)
RETURNING sha256
"""
_TARGETS = "SELECT sha256, bytes FROM trust_targets WHERE tenant_id = %s AND sha256 = ANY(%s)"
_COUNT = "SELECT count(*) AS found FROM trust_targets WHERE tenant_id = %s"
_DUE = """
SELECT tenant_id FROM trust_metadata
WHERE replaced_at IS NULL AND renew_at <= %s AND role = ANY(%s)
GROUP BY tenant_id ORDER BY random() LIMIT %s
"""
_TENANTS = "SELECT DISTINCT tenant_id FROM trust_metadata ORDER BY tenant_id"


class _PostgresShelf:
    """Implements Shelf, in one transaction."""

    def __init__(self, connection: Connection[DictRow], tenant_id: UUID) -> None:
        self._connection, self._tenant_id = connection, tenant_id

    def newest(self, role: TrustRole) -> bytes | None:
        row = self._one(_NEWEST, role)
        return bytes(row["content"]) if row else None

    def put(self, stored: Stored) -> None:
        execute, tenant_id = self._connection.execute, self._tenant_id
        execute(_REPLACE, (tenant_id, stored.role))
        execute(
            _PUT,
            (tenant_id, stored.role, stored.version, stored.content, stored.expires_at,
             stored.renew_at),
        )  # fmt: skip
        execute(_FORGET, (tenant_id, KEPT))

    def strike(self, sha256s: Collection[str], before: datetime | None) -> list[str]:
        values = (self._tenant_id, list(sha256s), before)
        return [row["sha256"] for row in self._connection.execute(_STRIKE, values).fetchall()]

    def enlist(self, targets: Iterable[Target], now: datetime) -> list[Target]:
        once = {one.sha256: one.bytes for one in targets}
        rows = self._connection.execute(
            _ENLIST, (self._tenant_id, now, list(once), list(once.values()))
        ).fetchall()
        return [Target.of(row["sha256"], row["bytes"]) for row in rows]

    def targets(self, sha256s: Collection[str]) -> dict[str, Target]:
        values = (self._tenant_id, list(sha256s))
        rows = self._connection.execute(_TARGETS, values).fetchall()
        return {row["sha256"]: Target.of(row["sha256"], row["bytes"]) for row in rows}

    def count(self) -> int:
        row = self._one(_COUNT)
        return int(row["found"]) if row else 0

    def _one(self, statement: str, *values: Any) -> DictRow | None:
        return self._connection.execute(statement.encode(), (self._tenant_id, *values)).fetchone()


class PostgresShelves:
    """Implements Shelves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def writing(self, tenant_id: UUID) -> Iterator[Shelf]:
        with self._database.tenant(tenant_id) as connection:
            connection.execute(_LOCK, (tenant_id,))
            yield _PostgresShelf(connection, tenant_id)

    def metadata(self, tenant_id: UUID, role: TrustRole, version: int | None) -> bytes | None:
        with self._database.tenant(tenant_id) as connection:
            values: tuple[object, ...] = (tenant_id, role)
            if version is None:
                row = connection.execute(_NEWEST, values).fetchone()
            else:
                row = connection.execute(_VERSION, (*values, version)).fetchone()
        return bytes(row["content"]) if row else None

    def targets(self, tenant_id: UUID, sha256s: Collection[str]) -> dict[str, Target]:
        with self._database.tenant(tenant_id) as connection:
            return _PostgresShelf(connection, tenant_id).targets(sha256s)

    def due(self, now: datetime, roles: Collection[TrustRole], most: int) -> Sequence[UUID]:
        values = (now, [str(role) for role in roles], most)
        with self._database.system() as connection:
            rows = connection.execute(_DUE, values).fetchall()
        return [row["tenant_id"] for row in rows]

    def tenants(self) -> Sequence[UUID]:
        with self._database.system() as connection:
            return [row["tenant_id"] for row in connection.execute(_TENANTS).fetchall()]
