"""Blobs in a data folder: `<root>/<tenant>/<first two digits>/<sha256>`.

Every file that stands under its sha256 is whole: it is written beside, synced, and only then
gets its name. Nothing writes to a blob: engines work on checked-out copies.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from application.ports.blobs import BlobMissing, StoredBlob
from application.storage_full import refusing_when_full
from domain.blob import BlobRef, is_sha256
from infrastructure.blobs.durable_files import (
    blocks_of,
    copy_verified,
    make_folder,
    sync_folder,
    write_all,
)


class LocalBlobs:
    """`root` is created at the first write. Staging must be on the same file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def size(self, tenant_id: UUID, sha256: str) -> int | None:
        try:
            return self._path(tenant_id, sha256).stat().st_size
        except (FileNotFoundError, BlobMissing):
            return None

    def read(
        self, tenant_id: UUID, sha256: str, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        try:
            return blocks_of(self._path(tenant_id, sha256), start, length)
        except FileNotFoundError:
            raise BlobMissing(sha256) from None

    def checkout(self, tenant_id: UUID, sha256: str, into: Path) -> None:
        copy_verified(self.read(tenant_id, sha256), sha256, into)

    @refusing_when_full()
    def put_file(self, tenant_id: UUID, path: Path) -> BlobRef:
        make_folder(self._incoming)
        beside = self._incoming / uuid4().hex
        try:
            ref = _copy_synced(path, beside)
            self.adopt(tenant_id, beside, ref)
        finally:
            beside.unlink(missing_ok=True)
        return ref

    @refusing_when_full()
    def adopt(self, tenant_id: UUID, path: Path, ref: BlobRef) -> None:
        """Gives an already synced file of the same file system its blob name, without a copy.

        The file keeps its old name as well: a link can be repeated after a crash, a rename
        would leave nothing to repeat it with.
        """
        target = self._path(tenant_id, ref.sha256)
        make_folder(target.parent)
        try:
            os.link(path, target)
        except FileExistsError:
            return
        sync_folder(target.parent)

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        path = self._path(tenant_id, sha256)
        if path.exists():
            path.unlink(missing_ok=True)
            sync_folder(path.parent)

    def stored(self) -> Iterator[StoredBlob]:
        for tenant_id, folder in tenant_folders(self.root):
            for path in folder.glob("??/*"):
                try:
                    size = path.stat().st_size
                except FileNotFoundError:
                    continue
                if is_sha256(path.name):
                    yield StoredBlob(tenant_id, path.name, size)

    def tidy(self, older: timedelta) -> int:
        """A write that goes on keeps touching its file."""
        freed, before = 0, time.time() - older.total_seconds()
        for path in self._incoming.glob("*"):
            found = path.stat()
            if found.st_mtime < before:
                path.unlink(missing_ok=True)
                freed += found.st_size
        return freed

    @property
    def _incoming(self) -> Path:
        return self.root / "incoming"

    def _path(self, tenant_id: UUID, sha256: str) -> Path:
        # The address may come from outside: nothing but a sha256 becomes a path.
        if not is_sha256(sha256):
            raise BlobMissing(sha256)
        return self.root / str(tenant_id) / sha256[:2] / sha256


def tenant_folders(root: Path) -> Iterator[tuple[UUID, Path]]:
    """The folders of tenants in a folder, and none of those beside them."""
    for folder in sorted(root.glob("*")):
        try:
            yield UUID(folder.name), folder
        except ValueError:
            continue


def _copy_synced(source: Path, target: Path) -> BlobRef:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        for block in blocks_of(source):
            digest.update(block)
            write_all(descriptor, block)
            size += len(block)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return BlobRef(digest.hexdigest(), size)
