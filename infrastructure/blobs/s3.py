"""Blobs in S3 or a server that speaks it: `<prefix><tenant>/blobs/<sha256>`, by obstore.

Bytes are read in ranges of 8 MB, each its own request: a range can be retried by itself, and no
request outlives the client's timeout however large the blob. They are written as a multipart
upload, which S3 makes visible only when it is complete; give the bucket a lifecycle rule that
aborts the multipart uploads which a crash leaves behind.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import obstore
from obstore.store import S3Store

from application.ports.blobs import DEFAULT_LINK_LIFE, BlobCorrupt, BlobMissing, StoredBlob
from domain.blob import BlobRef, is_sha256
from infrastructure.blobs.durable_files import blocks_of, copy_verified
from infrastructure.blobs.signed_links import checked_life

if TYPE_CHECKING:
    # These exist only in the stubs.
    from obstore import Attributes
    from obstore.store import S3Config

PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 2

# A browser that opens the bare URL must save the bytes, not show them.
_ATTRIBUTES: "Attributes" = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
}


def s3_store(
    *,
    bucket: str,
    endpoint: str | None,
    region: str,
    access_key: str,
    secret_key: str,
) -> S3Store:
    """A store addressed by path (`endpoint/bucket/key`). `endpoint` None means AWS itself."""
    config: S3Config = {
        "region": region,
        "access_key_id": access_key,
        "secret_access_key": secret_key,
        "virtual_hosted_style_request": False,
    }
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        bucket,
        config=config,
        client_options={
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "timeout": timedelta(minutes=2),
            "connect_timeout": timedelta(seconds=10),
        },
    )


class S3Blobs:
    """`prefix` separates installations that share a bucket; it ends in a slash or is empty."""

    def __init__(self, store: S3Store, prefix: str = "") -> None:
        self.store, self.prefix = store, prefix

    def size(self, tenant_id: UUID, sha256: str) -> int | None:
        try:
            return obstore.head(self.store, self.key(tenant_id, sha256))["size"]
        except (FileNotFoundError, BlobMissing):
            return None

    def read(
        self, tenant_id: UUID, sha256: str, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        size = self.size(tenant_id, sha256)
        if size is None:
            raise BlobMissing(sha256)
        end = size if length is None else min(size, start + length)
        key = self.key(tenant_id, sha256)
        return (
            bytes(obstore.get_range(self.store, key, start=at, end=min(at + PART_BYTES, end)))
            for at in range(start, end, PART_BYTES)
        )

    def checkout(self, tenant_id: UUID, sha256: str, into: Path) -> None:
        copy_verified(self.read(tenant_id, sha256), sha256, into)

    def put_file(self, tenant_id: UUID, path: Path) -> BlobRef:
        digest, size = hashlib.sha256(), 0
        for block in blocks_of(path):
            digest.update(block)
            size += len(block)
        ref = BlobRef(digest.hexdigest(), size)
        self.put_blocks(tenant_id, ref, blocks_of(path))
        return ref

    def put_blocks(self, tenant_id: UUID, ref: BlobRef, blocks: Iterable[bytes]) -> None:
        """Streams blocks into the blob `ref`. Raises BlobCorrupt when they are not its bytes."""
        if self.size(tenant_id, ref.sha256) == ref.bytes:
            return
        # The context manager is left out on purpose: only `close` makes the object visible, so a
        # writer that is dropped after an error publishes nothing.
        writer = obstore.open_writer(
            self.store,
            self.key(tenant_id, ref.sha256),
            attributes=_ATTRIBUTES,
            buffer_size=PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
            writer.write(block)
        if digest.hexdigest() != ref.sha256:
            raise BlobCorrupt(f"the blob {ref.sha256} was to be made of {digest.hexdigest()}")
        writer.close()

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        obstore.delete(self.store, self.key(tenant_id, sha256))

    def stored(self) -> Iterator[StoredBlob]:
        for tenant_id, folder, name, size in self.listed():
            if folder == "blobs" and is_sha256(name):
                yield StoredBlob(tenant_id, name, size)

    def tidy(self, older: timedelta) -> int:
        """Parts of a multipart upload that broke off cannot be seen here; the bucket's lifecycle
        rule removes them."""
        return 0

    def listed(self) -> Iterator[tuple[UUID, str, str, int]]:
        """All objects of all tenants, as tenant, folder, the rest of the key, and size."""
        for batch in obstore.list(self.store, prefix=self.prefix or None, chunk_size=1_000):
            for item in batch:
                tenant, _, rest = item["path"].removeprefix(self.prefix).partition("/")
                folder, _, name = rest.partition("/")
                try:
                    yield UUID(tenant), folder, name, item["size"]
                except ValueError:
                    continue  # another application's object

    def key(self, tenant_id: UUID, sha256: str) -> str:
        """The object's key. Raises BlobMissing for what is no sha256."""
        if not is_sha256(sha256):
            raise BlobMissing(sha256)
        return f"{self.prefix}{tenant_id}/blobs/{sha256}"


class S3Links:
    """Presigned URLs: the bytes go straight from S3, which serves ranges itself.

    Give a store whose endpoint the *downloader* can reach; it may differ from the server's.
    Blobs are stored as attachments of type application/octet-stream, so `file_name` and
    `media_type` have no say here.
    """

    def __init__(self, store: S3Store, prefix: str = "") -> None:
        self._blobs = S3Blobs(store, prefix)

    def link(
        self,
        tenant_id: UUID,
        sha256: str,
        file_name: str,
        expires_in: timedelta = DEFAULT_LINK_LIFE,
        media_type: str = "application/octet-stream",
    ) -> str:
        key = self._blobs.key(tenant_id, sha256)
        return obstore.sign(self._blobs.store, "GET", key, checked_life(expires_in))
