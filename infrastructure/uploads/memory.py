"""Rows of uploads in memory, for tests: gone with the process."""

from dataclasses import replace
from datetime import datetime
from threading import Lock
from uuid import UUID

from application.ports.uploads import Durable
from domain.refusal import not_found
from domain.upload import OffsetConflict, TooManyUploads, Upload


class MemoryUploads:
    """One lock stands for the database's row locks."""

    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, UUID], Upload] = {}
        self._lock = Lock()

    def add(self, upload: Upload, most_open: int) -> None:
        with self._lock:
            mine = [row for (tenant, _), row in self._rows.items() if tenant == upload.tenant_id]
            open_now = [
                row for row in mine if not row.completed_at and not row.expired(upload.created_at)
            ]
            if len(open_now) >= most_open:
                raise TooManyUploads(most_open)
            self._rows[upload.tenant_id, upload.id] = upload

    def get(self, tenant_id: UUID, upload_id: UUID) -> Upload | None:
        with self._lock:
            return self._rows.get((tenant_id, upload_id))

    def advance(self, upload: Upload, durable: Durable) -> Upload:
        with self._lock:
            row = self._rows.get((upload.tenant_id, upload.id))
            if row is None:
                raise not_found("upload")
            if row.offset != upload.offset or row.completed_at:
                raise OffsetConflict(row.offset)
            row = replace(row, offset=durable.offset, parts=row.parts + durable.parts)
            self._rows[row.tenant_id, row.id] = row
            return row

    def complete(
        self, upload: Upload, sha256: str, completed_at: datetime, expires_at: datetime
    ) -> Upload:
        with self._lock:
            row = self._rows.get((upload.tenant_id, upload.id))
            if row is None:
                raise not_found("upload")
            if row.completed_at is None:
                row = replace(
                    row, sha256=sha256, completed_at=completed_at, expires_at=expires_at, parts=()
                )
                self._rows[row.tenant_id, row.id] = row
            return row

    def delete(self, tenant_id: UUID, upload_id: UUID) -> None:
        with self._lock:
            self._rows.pop((tenant_id, upload_id), None)

    def expired(self, now: datetime, most: int) -> list[Upload]:
        with self._lock:
            old = [row for row in self._rows.values() if row.expired(now)]
        return sorted(old, key=lambda row: row.expires_at)[:most]
