"""Appending to an upload: bytes from the event loop, files and database in worker threads.

While one block is hashed and written in a thread, the next one is collected: at most two blocks
and what the socket holds are in memory. Blocks start on a memory page and end at multiples of
their size in the file, so that a writer may hand them to the disk without a copy. At every
checkpoint the bytes are made durable and the row's offset follows. A chunk with a checksum counts
as a whole or not at all, so it has no checkpoint but its end.
"""

import asyncio
import hashlib
import mmap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Protocol, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread

from application.commands.upload import (
    Uploads,
    check_resumable,
    find,
    finish_or_leave,
    remove,
)
from application.ports.uploads import Block, StagedBytesLost, StagedWriter
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode, not_found
from domain.upload import ChecksumMismatch, OffsetConflict, Upload, UploadExpired

BLOCK_BYTES = 1 << 20

T = TypeVar("T")


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: Block, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class ChunkChecksum:
    """What the client says the chunk's digest is; `algorithm` is sha1 or sha256."""

    algorithm: str
    digest: bytes

    def start(self) -> Digest:
        return hashlib.new(self.algorithm, usedforsecurity=False)


class StreamTooLong(Refusal):
    """More bytes came than were declared; those since the last checkpoint were dropped."""

    def __init__(self, length: int) -> None:
        super().__init__(
            RefusalCode.TOO_LARGE,
            f"More bytes came than the {length:,} that were declared. Nothing beyond was kept.",
            "Upload-Length",
        )


async def append(
    uploads: Uploads,
    principal: Principal,
    upload_id: UUID,
    offset: int,
    chunks: AsyncIterator[bytes],
    checksum: ChunkChecksum | None = None,
    declared: int | None = None,
    limiter: anyio.CapacityLimiter | None = None,
) -> Upload:
    """Appends the chunks from `offset` on and finishes the upload when it is whole.

    `chunks` ends early when the client is cut off: what came is kept, and the next request goes
    on from there. `declared` is the chunk's size in bytes where it is known beforehand. Refuses
    NOT_FOUND, UploadExpired, OffsetConflict, UploadBusy, StreamTooLong, TOO_LARGE and
    ChecksumMismatch.
    """
    stream = _Stream(uploads, limiter)
    upload = await stream.run(find, uploads, principal, upload_id)
    _check_place(upload, offset, declared)
    await stream.run(check_resumable, uploads, upload)
    writer = await stream.run(uploads.staging.writer, upload)
    try:
        upload = await stream.begin(writer, upload, offset)
        upload = await stream.receive(writer, upload, chunks, checksum)
    finally:
        # The lock must go even when the request is canceled.
        with anyio.CancelScope(shield=True):
            await stream.run(writer.close)
    if not upload.arrived:
        return upload
    return await stream.run(finish_or_leave, uploads, upload)


@dataclass(frozen=True, slots=True)
class _Stream:
    uploads: Uploads
    limiter: anyio.CapacityLimiter | None

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self.limiter)

    async def begin(self, writer: StagedWriter, upload: Upload, offset: int) -> Upload:
        """Under the lock, so the row is read again: `resume` cuts off what it does not cover."""
        found = await self.run(self.uploads.rows.get, upload.tenant_id, upload.id)
        if found is None:
            await self.run(self.uploads.staging.discard, upload)
            raise not_found("upload")
        _check_place(found, offset, None)
        try:
            await self.run(writer.resume, found)
        except StagedBytesLost:
            await self.run(remove, self.uploads, found)
            raise UploadExpired("The bytes of this upload are gone. Start it again.") from None
        return found

    async def receive(
        self,
        writer: StagedWriter,
        upload: Upload,
        chunks: AsyncIterator[bytes],
        checksum: ChunkChecksum | None,
    ) -> Upload:
        left, since_checkpoint = upload.length - upload.offset, 0
        digest = checksum.start() if checksum else None
        behind = _WriteBehind(self, writer, digest)
        try:
            async for block in _blocks(chunks, upload.offset):
                left -= len(block)
                if left < 0:
                    raise StreamTooLong(upload.length)
                await behind.write(block)
                since_checkpoint += len(block)
                if since_checkpoint >= writer.checkpoint_bytes and not checksum:
                    upload, since_checkpoint = (
                        await self._checkpoint(behind, writer, upload),
                        0,
                    )
        finally:
            await behind.settle()
        if checksum and digest and digest.digest() != checksum.digest:
            raise ChecksumMismatch(
                "The chunk does not have the checksum you gave. It was thrown away; send it again.",
                "Upload-Checksum",
            )
        return await self._checkpoint(behind, writer, upload)

    async def _checkpoint(
        self, behind: "_WriteBehind", writer: StagedWriter, upload: Upload
    ) -> Upload:
        await behind.settle()
        durable = await self.run(writer.flush)
        if durable.offset == upload.offset:
            return upload
        try:
            return await self.run(self.uploads.rows.advance, upload, durable)
        except Refusal as refusal:
            if refusal.code is RefusalCode.NOT_FOUND:
                await self.run(self.uploads.staging.discard, upload)
            raise


class _WriteBehind:
    """At most one block is being written in a thread while the next one is collected."""

    def __init__(self, stream: _Stream, writer: StagedWriter, digest: Digest | None) -> None:
        self._stream, self._writer, self._digest = stream, writer, digest
        self._task: asyncio.Task[None] | None = None

    async def write(self, block: Block) -> None:
        await self.settle()
        self._task = asyncio.ensure_future(self._stream.run(self._write, block))

    async def settle(self) -> None:
        """Waits for the block under way, even when canceled: its thread uses the file."""
        task, self._task = self._task, None
        if task:
            with anyio.CancelScope(shield=True):
                await task

    def _write(self, block: Block) -> None:
        if self._digest:
            self._digest.update(block)
        self._writer.write(block)


async def _blocks(chunks: AsyncIterator[bytes], offset: int) -> AsyncIterator[Block]:
    """Network chunks of any size as blocks that end at multiples of 1 MB, but for the last.

    A hop to a thread has its price, and a checkpoint on a whole block leaves no crumbs. There are
    two blocks, filled in turns: one that was given stays as it is until the next one was given.
    """
    held = cycle([memoryview(mmap.mmap(-1, BLOCK_BYTES)) for _ in range(2)])
    block, size, end = next(held), 0, BLOCK_BYTES - offset % BLOCK_BYTES
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            taken, rest = rest[: end - size], rest[end - size :]
            block[size : size + len(taken)] = taken
            size += len(taken)
            if size == end:
                yield block[:size]
                block, size, end = next(held), 0, BLOCK_BYTES
    if size:
        yield block[:size]


def _check_place(upload: Upload, offset: int, declared: int | None) -> None:
    if upload.completed_at or upload.offset != offset:
        raise OffsetConflict(upload.offset)
    if declared is not None and offset + declared > upload.length:
        raise StreamTooLong(upload.length)
