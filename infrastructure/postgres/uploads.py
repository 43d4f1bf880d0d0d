"""Rows of uploads in PostgreSQL: the table `uploads`."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from application.ports.uploads import Durable
from domain.refusal import not_found
from domain.upload import OffsetConflict, TooManyUploads, Upload, UploadPurpose
from infrastructure.postgres.database import Database

_COLUMNS = """tenant_id, id, purpose, file_name, length, created_by, created_at, expires_at,
              expected_sha256, "offset", parts, sha256, completed_at"""

# Two creations of one tenant wait for each other here; otherwise both could be the twentieth.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('uploads:' || %s, 0))"

_COUNT_OPEN = """
SELECT count(*) AS open FROM uploads
 WHERE tenant_id = %s AND completed_at IS NULL AND expires_at > %s"""

_ADD = f"""
INSERT INTO uploads ({_COLUMNS})
VALUES (%(tenant_id)s, %(id)s, %(purpose)s, %(file_name)s, %(length)s, %(created_by)s,
        %(created_at)s, %(expires_at)s, %(expected_sha256)s, %(offset)s, %(parts)s,
        %(sha256)s, %(completed_at)s)"""

_GET = f"SELECT {_COLUMNS} FROM uploads WHERE tenant_id = %s AND id = %s"

_ADVANCE = f"""
UPDATE uploads SET "offset" = %s, parts = parts || %s::text[]
 WHERE tenant_id = %s AND id = %s AND "offset" = %s AND completed_at IS NULL
RETURNING {_COLUMNS}"""

_COMPLETE = """
UPDATE uploads SET sha256 = %s, completed_at = %s, expires_at = %s, parts = '{}'
 WHERE tenant_id = %s AND id = %s AND "offset" = length AND completed_at IS NULL"""

_DELETE = "DELETE FROM uploads WHERE tenant_id = %s AND id = %s"

_EXPIRED = f"""
SELECT {_COLUMNS} FROM uploads
 WHERE expires_at <= %s ORDER BY expires_at LIMIT %s"""


class PostgresUploads:
    """Each method is one transaction of the tenant; `expired` alone sees all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, upload: Upload, most_open: int) -> None:
        with self._database.tenant(upload.tenant_id) as connection:
            connection.execute(_ONE_AT_A_TIME, (str(upload.tenant_id),))
            counted = connection.execute(
                _COUNT_OPEN, (upload.tenant_id, upload.created_at)
            ).fetchone()
            if counted and counted["open"] >= most_open:
                raise TooManyUploads(most_open)
            connection.execute(_ADD, _row(upload))

    def get(self, tenant_id: UUID, upload_id: UUID) -> Upload | None:
        with self._database.tenant(tenant_id) as connection:
            found = connection.execute(_GET, (tenant_id, upload_id)).fetchone()
        return _upload(found) if found else None

    def advance(self, upload: Upload, durable: Durable) -> Upload:
        tenant_id, upload_id = upload.tenant_id, upload.id
        with self._database.tenant(tenant_id) as connection:
            moved = connection.execute(
                _ADVANCE,
                (durable.offset, list(durable.parts), tenant_id, upload_id, upload.offset),
            ).fetchone()
            if moved:
                return _upload(moved)
            found = connection.execute(_GET, (tenant_id, upload_id)).fetchone()
        if found is None:
            raise not_found("upload")
        raise OffsetConflict(found["offset"])

    def complete(
        self, upload: Upload, sha256: str, completed_at: datetime, expires_at: datetime
    ) -> Upload:
        tenant_id, upload_id = upload.tenant_id, upload.id
        with self._database.tenant(tenant_id) as connection:
            connection.execute(_COMPLETE, (sha256, completed_at, expires_at, tenant_id, upload_id))
            found = connection.execute(_GET, (tenant_id, upload_id)).fetchone()
        if found is None:
            raise not_found("upload")
        return _upload(found)

    def delete(self, tenant_id: UUID, upload_id: UUID) -> None:
        with self._database.tenant(tenant_id) as connection:
            connection.execute(_DELETE, (tenant_id, upload_id))

    def expired(self, now: datetime, most: int) -> list[Upload]:
        with self._database.system() as connection:
            rows = connection.execute(_EXPIRED, (now, most)).fetchall()
        return [_upload(row) for row in rows]


def _row(upload: Upload) -> dict[str, object]:
    row = {field.name: getattr(upload, field.name) for field in fields(upload)}
    return row | {"purpose": upload.purpose.value, "parts": list(upload.parts)}


def _upload(row: DictRow) -> Upload:
    return Upload(**{**row, "purpose": UploadPurpose(row["purpose"]), "parts": tuple(row["parts"])})
