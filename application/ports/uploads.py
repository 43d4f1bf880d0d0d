"""Uploads in progress: their rows, and where their bytes wait until they are whole.

Order is everything here. Bytes are made durable first, then the row's offset rises by
compare-and-set, then the client hears of it. So a crash between any two steps loses nothing that
was acknowledged, and bytes beyond the row's offset are scrap.

Every method blocks: call it from a worker thread.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.blob import BlobRef
from domain.upload import Upload

Block = bytes | memoryview
"""Bytes to be appended; who gave them may change them once `write` has returned."""


class StagedBytesLost(Exception):
    """Staging holds fewer bytes than the row promises, or none."""


@dataclass(frozen=True, slots=True)
class Durable:
    """Bytes up to `offset` are durable; `parts` are the pieces stored since the last flush."""

    offset: int
    parts: tuple[str, ...] = ()


class UploadRows(Protocol):
    """The rows of one tenant's uploads. Another tenant's upload is simply not there."""

    def add(self, upload: Upload, most_open: int) -> None:
        """Raises Refusal(QUOTA_EXCEEDED) when `most_open` unfinished ones exist already."""
        ...

    def get(self, tenant_id: UUID, upload_id: UUID) -> Upload | None: ...

    def advance(self, upload: Upload, durable: Durable) -> Upload:
        """Compare-and-set from `upload.offset`. Raises OffsetConflict when the row has moved."""
        ...

    def complete(
        self, upload: Upload, sha256: str, completed_at: datetime, expires_at: datetime
    ) -> Upload:
        """Marks an upload whose bytes have all arrived; a repetition changes nothing."""
        ...


class UploadRemoval(Protocol):
    """How rows end."""

    def delete(self, tenant_id: UUID, upload_id: UUID) -> None: ...

    def expired(self, now: datetime, most: int) -> list[Upload]:
        """Uploads of all tenants whose time is over, oldest first, at most `most`."""
        ...


class UploadTable(UploadRows, UploadRemoval, Protocol):
    """Everything that is kept about uploads."""


class StagedWriter(Protocol):
    """The right to append to one upload, until `close`."""

    checkpoint_bytes: int

    def resume(self, upload: Upload) -> None:
        """Drops bytes beyond the row's offset. Raises StagedBytesLost when there are fewer."""
        ...

    def write(self, block: Block) -> None: ...

    def flush(self) -> Durable:
        """Makes everything written so far durable."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that wait somewhere, whether or not there is still an upload that they belong to."""

    tenant_id: UUID
    upload_id: UUID


class Staging(Protocol):
    """Where bytes wait. `digest` and `publish` may be repeated after a crash."""

    def writer(self, upload: Upload) -> StagedWriter:
        """Raises UploadBusy when another writer is at work, where that can be told early."""
        ...

    def digest(self, upload: Upload) -> BlobRef:
        """The sha256 of an upload whose bytes have all arrived. Raises StagedBytesLost."""
        ...

    def publish(self, upload: Upload, ref: BlobRef) -> None:
        """Puts the bytes into the blob store; the staged ones stay until `discard`."""
        ...

    def discard(self, upload: Upload) -> None:
        """Frees the staged bytes; does nothing when there are none."""
        ...

    def staged(self) -> Iterator[Staged]:
        """Everything that waits, of all tenants."""
        ...

    def drop(self, staged: Staged) -> int:
        """Frees bytes that no upload needs; gives how many."""
        ...
