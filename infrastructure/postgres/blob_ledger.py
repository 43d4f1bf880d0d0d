"""References, marks and locks of blobs in PostgreSQL.

References are told from the read tables, so a removal needs them to be up to date; `caught_up`
waits for that. The lock on one blob is an advisory one, held by a transaction: a process that
dies lets go of it. Two blobs whose hashes meet would wait for each other, and no more.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from application.policies.policy import Policy
from application.ports.blob_ledger import Mark
from application.ports.blobs import StoredBlob
from application.views.view import View
from infrastructure.following.policy import follower_name
from infrastructure.postgres.database import Database

LOOK_EVERY = 0.1
READ_TABLES = {"artifacts", "datasets", "dataset_versions", "jobs", "device_commands", "rollouts"}

_SWEEP_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('blob sweep', 0)) AS ours"
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('blob:' || %s, 0))"
_TAKE = "SELECT pg_try_advisory_xact_lock(hashtextextended('blob:' || %s, 0)) AS ours"

_REFERENCES = """
SELECT a.tenant_id, file ->> 'sha256' AS sha256
FROM artifacts a, jsonb_array_elements(a.files) AS file WHERE a.tenant_id = ANY(%(tenants)s)
UNION ALL
SELECT v.tenant_id, v.sha256 FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
WHERE v.tenant_id = ANY(%(tenants)s) AND NOT d.deleted
UNION ALL
SELECT u.tenant_id, u.sha256 FROM uploads u
WHERE u.tenant_id = ANY(%(tenants)s) AND u.sha256 IS NOT NULL
UNION ALL
SELECT r.tenant_id, named #>> '{}'
FROM rollouts r, jsonb_path_query(jsonb_build_array(r.release, r.golden), '$.**.sha256') AS named
WHERE r.tenant_id = ANY(%(tenants)s)
  AND r.status <> 'ROLLED_BACK' AND NOT (r.status = 'ABORTED' AND r.wave = 0)
UNION ALL
SELECT c.tenant_id, c.result ->> 'sha256' FROM device_commands c
WHERE c.tenant_id = ANY(%(tenants)s) AND c.kind = 'COLLECT_LOGS' AND c.result ? 'sha256'
UNION ALL
SELECT j.tenant_id, named #>> '{}' FROM jobs j, jsonb_path_query(j.input, '$.**.sha256') AS named
WHERE j.tenant_id = ANY(%(tenants)s) AND j.status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
"""
_GIVEN = f"""
WITH held AS MATERIALIZED ({_REFERENCES}), given AS (
    SELECT g.*, EXISTS (SELECT 1 FROM held h
                        WHERE h.tenant_id = g.tenant_id AND h.sha256 = g.sha256) AS referenced
    FROM unnest(%(tenant_ids)s::uuid[], %(hashes)s::text[], %(sizes)s::bigint[])
         AS g (tenant_id, sha256, bytes))
"""
_UNREFERENCED = f"{_GIVEN} SELECT tenant_id, sha256, bytes FROM given WHERE NOT referenced"
_MARK = f"""{_GIVEN}, unmarked AS (
    DELETE FROM blob_marks m USING given g
    WHERE g.referenced AND m.tenant_id = g.tenant_id AND m.sha256 = g.sha256)
INSERT INTO blob_marks (tenant_id, sha256, bytes)
SELECT tenant_id, sha256, bytes FROM given WHERE NOT referenced
ON CONFLICT DO NOTHING
"""
_DUE = """
SELECT tenant_id, sha256, bytes FROM blob_marks
WHERE marked_at <= clock_timestamp() - %s ORDER BY marked_at
"""
_MAY_GO = f"""
WITH held AS ({_REFERENCES})
SELECT 1 FROM blob_marks m
WHERE m.tenant_id = %(tenant)s AND m.sha256 = %(sha256)s
  AND m.marked_at <= clock_timestamp() - %(grace)s
  AND NOT EXISTS (SELECT 1 FROM held h WHERE h.sha256 = m.sha256)
"""
_UNMARK = "DELETE FROM blob_marks WHERE tenant_id = %s AND sha256 = %s"
_HEAD = "SELECT coalesce(max(position), 0) AS head FROM events"
_REACHED = "SELECT count(*) AS n FROM followers WHERE name = ANY(%s) AND position >= %s"


class PostgresBlobLedger:
    """Implements `application.ports.blob_ledger.BlobLedger`. References are shown by some of the
    views, and some are made by policies: both must have caught up."""

    def __init__(
        self, database: Database, views: Iterable[View], policies: Iterable[Policy]
    ) -> None:
        self._database = database
        self._followers = [view.name for view in views if view.tables.keys() & READ_TABLES]
        self._followers += [follower_name(policy) for policy in policies]

    @contextmanager
    def holding(self, tenant_id: UUID, sha256: str) -> Iterator[None]:
        with self._database.system() as connection:
            connection.execute(_HOLD, (f"{tenant_id}/{sha256}",))
            connection.execute(_UNMARK, (tenant_id, sha256))
            yield

    @contextmanager
    def leading(self) -> Iterator[bool]:
        with self._database.system() as connection:
            row = connection.execute(_SWEEP_LOCK).fetchone()
            yield row is not None and bool(row["ours"])

    def caught_up(self, patience: timedelta) -> bool:
        with self._database.system() as connection:
            row = connection.execute(_HEAD).fetchone()
        assert row is not None
        until = time.monotonic() + patience.total_seconds()
        while not self._reached(row["head"]):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_EVERY)
        return True

    def unreferenced(self, blobs: Sequence[StoredBlob]) -> list[StoredBlob]:
        with self._database.system() as connection:
            rows = connection.execute(_UNREFERENCED, _values(blobs)).fetchall()
        return [StoredBlob(**row) for row in rows]

    def mark(self, blobs: Sequence[StoredBlob]) -> None:
        with self._database.system() as connection:
            connection.execute(_MARK, _values(blobs))

    def due(self, grace: timedelta) -> list[Mark]:
        with self._database.system() as connection:
            return [Mark(**row) for row in connection.execute(_DUE, (grace,)).fetchall()]

    @contextmanager
    def taking(self, mark: Mark, grace: timedelta) -> Iterator[bool]:
        tenant_id, sha256 = mark.tenant_id, mark.sha256
        values = {"tenants": [tenant_id], "tenant": tenant_id, "sha256": sha256, "grace": grace}
        with self._database.system() as connection:
            lock = connection.execute(_TAKE, (f"{tenant_id}/{sha256}",)).fetchone()
            if lock is None or not lock["ours"]:
                yield False
                return
            # A statement of its own, after the lock: it sees what the last holder committed.
            may_go = connection.execute(_MAY_GO, values).fetchone() is not None
            yield may_go
            if may_go:
                connection.execute(_UNMARK, (tenant_id, sha256))

    def _reached(self, position: int) -> bool:
        with self._database.system() as connection:
            row = connection.execute(_REACHED, (self._followers, position)).fetchone()
        return row is not None and row["n"] == len(self._followers)


def _values(blobs: Sequence[StoredBlob]) -> dict[str, object]:
    return {
        "tenants": list({blob.tenant_id for blob in blobs}),
        "tenant_ids": [blob.tenant_id for blob in blobs],
        "hashes": [blob.sha256 for blob in blobs],
        "sizes": [blob.bytes for blob in blobs],
    }
