"""Where finished bytes live: content-addressed by sha256 within a tenant.

Every method blocks (disk or network): call it from a worker thread, never on the event loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from domain.blob import BlobRef

READ_BYTES = 1 << 20
"""How many bytes `read` aims to give at a time."""

DEFAULT_LINK_LIFE = timedelta(minutes=15)
LONGEST_LINK_LIFE = timedelta(days=7)


class BlobMissing(LookupError):
    """No such blob in this tenant. A manifest that names it is broken: not the caller's fault."""


class BlobCorrupt(Exception):
    """The stored bytes no longer have the sha256 that they are stored under."""


class BlobReader(Protocol):
    """Reading. `read` and `checkout` raise BlobMissing for what the tenant does not have."""

    def size(self, tenant_id: UUID, sha256: str) -> int | None:
        """Bytes, or None when the tenant has no such blob."""
        ...

    def read(
        self, tenant_id: UUID, sha256: str, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """Bytes from `start`, at most `length` of them, in blocks; memory stays bounded."""
        ...

    def checkout(self, tenant_id: UUID, sha256: str, into: Path) -> None:
        """Writes a private, writable copy to the file `into`, verified while it is copied.

        Raises BlobCorrupt, and leaves no file, when the bytes are not those of the sha256.
        """
        ...


class BlobWriter(Protocol):
    """Writing. A blob is whole or absent, and durable when `put_file` returns."""

    def put_file(self, tenant_id: UUID, path: Path) -> BlobRef:
        """Stores a copy of the file; storing the same bytes again changes nothing."""
        ...

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        """Removes the blob; does nothing when it is absent."""
        ...


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """One blob in the store."""

    tenant_id: UUID
    sha256: str
    bytes: int


class BlobUpkeep(Protocol):
    """Looking after the store, across all tenants."""

    def stored(self) -> Iterator[StoredBlob]:
        """Every blob, tenant by tenant. One that is stored or removed meanwhile may be missed."""
        ...

    def tidy(self, older: timedelta) -> int:
        """Removes what writes that broke off left behind so long ago; gives the bytes freed."""
        ...


class Blobs(BlobReader, BlobWriter, BlobUpkeep, Protocol):
    """The whole blob store."""


class DownloadLinks(Protocol):
    """URLs by which anyone who holds them may read one blob until they expire."""

    def link(
        self,
        tenant_id: UUID,
        sha256: str,
        file_name: str,
        expires_in: timedelta = DEFAULT_LINK_LIFE,
        media_type: str = "application/octet-stream",
    ) -> str:
        """An absolute URL. Raises Refusal(INVALID) unless 1 s ≤ `expires_in` ≤ 7 days."""
        ...
