"""Staging in S3, for several API processes: each piece is an object of at most 8 MB.

A piece has a random name, and only the row says which pieces belong to the upload and in what
order. Two processes may write at once: both store pieces, the row's compare-and-set lets one of
them count, and the other's are scrap that goes with the rest. At the end the pieces are streamed
once through this process into one blob, and their sha256 is verified on the way.
"""

from collections.abc import Iterator
from uuid import UUID, uuid4

import obstore

from application.ports.uploads import Block, Durable, Staged, StagedBytesLost
from domain.blob import BlobRef
from domain.refusal import Refusal, RefusalCode
from domain.upload import Upload
from infrastructure.blobs.s3 import PART_BYTES, S3Blobs
from infrastructure.uploads.running_hash import Hash, RunningHashes, new_hash

MOST_PARTS = 8_192
"""10 GB are 1,193 full pieces; a client that sends crumbs is told to send more at once."""


class ObjectStaging:
    """Pieces lie beside the blobs, under `<prefix><tenant>/staging/<upload>/`."""

    def __init__(self, blobs: S3Blobs) -> None:
        self._blobs = blobs
        self._hashes = RunningHashes()

    def writer(self, upload: Upload) -> "ObjectWriter":
        return ObjectWriter(self._blobs, self._folder(upload.tenant_id, upload.id), self._hashes)

    def digest(self, upload: Upload) -> BlobRef:
        folder = self._folder(upload.tenant_id, upload.id)
        state = _hash_at(self._hashes, upload, self._blobs, folder)
        return BlobRef(state.hexdigest(), upload.length)

    def publish(self, upload: Upload, ref: BlobRef) -> None:
        pieces = _pieces(self._blobs, self._folder(upload.tenant_id, upload.id), upload)
        self._blobs.put_blocks(upload.tenant_id, ref, pieces)

    def discard(self, upload: Upload) -> None:
        self._hashes.drop(upload.id)
        self.drop(Staged(upload.tenant_id, upload.id))

    def staged(self) -> Iterator[Staged]:
        found = {
            (tenant_id, name.partition("/")[0])
            for tenant_id, folder, name, _ in self._blobs.listed()
            if folder == "staging"
        }
        yield from (Staged(tenant_id, UUID(upload_id)) for tenant_id, upload_id in sorted(found))

    def drop(self, staged: Staged) -> int:
        freed, folder = 0, self._folder(staged.tenant_id, staged.upload_id)
        for batch in obstore.list(self._blobs.store, prefix=folder, chunk_size=500):
            obstore.delete(self._blobs.store, [piece["path"] for piece in batch])
            freed += sum(piece["size"] for piece in batch)
        return freed

    def _folder(self, tenant_id: UUID, upload_id: UUID) -> str:
        return f"{self._blobs.prefix}{tenant_id}/staging/{upload_id}/"


class ObjectWriter:
    """Holds at most one piece in memory. It takes no lock: the row decides who wins."""

    checkpoint_bytes = PART_BYTES

    def __init__(self, blobs: S3Blobs, folder: str, hashes: RunningHashes) -> None:
        self._blobs, self._folder, self._hashes = blobs, folder, hashes
        self._held = bytearray()
        self._stored: list[str] = []

    def resume(self, upload: Upload) -> None:
        if len(upload.parts) >= MOST_PARTS:
            raise Refusal(
                RefusalCode.TOO_LARGE,
                f"The upload came in {MOST_PARTS} pieces already. Start it again and send at "
                "least 8 MB at a time.",
                "Upload-Length",
            )
        self._upload_id, self._offset = upload.id, upload.offset
        self._last = upload.parts[-1] if upload.parts else ""
        self._state = _hash_at(self._hashes, upload, self._blobs, self._folder)

    def write(self, block: Block) -> None:
        self._state.update(block)
        self._offset += len(block)
        self._held += block
        while len(self._held) >= PART_BYTES:
            self._store(PART_BYTES)

    def flush(self) -> Durable:
        if self._held:
            self._store(len(self._held))
        stored, self._stored = tuple(self._stored), []
        self._hashes.keep(self._upload_id, self._last, self._state)
        return Durable(self._offset, stored)

    def close(self) -> None:
        self._held.clear()

    def _store(self, size: int) -> None:
        name = uuid4().hex
        piece = bytes(memoryview(self._held)[:size])
        obstore.put(self._blobs.store, self._folder + name, piece, use_multipart=False)
        del self._held[:size]
        self._stored.append(name)
        self._last = name


def _pieces(blobs: S3Blobs, folder: str, upload: Upload) -> Iterator[bytes]:
    for name in upload.parts:
        try:
            yield bytes(obstore.get(blobs.store, folder + name).bytes())
        except FileNotFoundError:
            raise StagedBytesLost(upload.id) from None


def _hash_at(hashes: RunningHashes, upload: Upload, blobs: S3Blobs, folder: str) -> Hash:
    state = hashes.at(upload.id, upload.parts[-1] if upload.parts else "")
    if state is None:
        state = new_hash()
        for piece in _pieces(blobs, folder, upload):
            state.update(piece)
    return state
