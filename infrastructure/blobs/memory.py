"""Blobs in memory, for tests and for trying things out: gone with the process."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from application.ports.blobs import READ_BYTES, BlobMissing, StoredBlob
from domain.blob import BlobRef
from infrastructure.blobs.durable_files import copy_verified


class MemoryBlobs:
    """A dictionary from tenant and sha256 to bytes."""

    def __init__(self) -> None:
        self._held: dict[tuple[UUID, str], bytes] = {}

    def size(self, tenant_id: UUID, sha256: str) -> int | None:
        held = self._held.get((tenant_id, sha256))
        return None if held is None else len(held)

    def read(
        self, tenant_id: UUID, sha256: str, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        held = self._held.get((tenant_id, sha256))
        if held is None:
            raise BlobMissing(sha256)
        end = len(held) if length is None else min(len(held), start + length)
        return (held[at : min(at + READ_BYTES, end)] for at in range(start, end, READ_BYTES))

    def checkout(self, tenant_id: UUID, sha256: str, into: Path) -> None:
        copy_verified(self.read(tenant_id, sha256), sha256, into)

    def put_file(self, tenant_id: UUID, path: Path) -> BlobRef:
        return self.put_bytes(tenant_id, path.read_bytes())

    def put_bytes(self, tenant_id: UUID, held: bytes) -> BlobRef:
        """Stores bytes that are in memory already."""
        ref = BlobRef(hashlib.sha256(held).hexdigest(), len(held))
        self._held[tenant_id, ref.sha256] = held
        return ref

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        self._held.pop((tenant_id, sha256), None)

    def stored(self) -> Iterator[StoredBlob]:
        for (tenant_id, sha256), held in sorted(self._held.items()):
            yield StoredBlob(tenant_id, sha256, len(held))

    def tidy(self, older: timedelta) -> int:
        return 0
