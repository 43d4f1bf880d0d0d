"""The sweep: bytes that nothing refers to any more are removed, and nothing else ever is.

    stored ──nothing refers──► marked ──grace period──► nothing refers still ──► removed
       ▲                         │
       └── stored or found again ┘
The last look and the removal are made under the blob's lock, which everyone who stores or finds
that content takes too (`Work.keep`, `commands.upload.finish`): whoever finds it while it is being
removed stores it again. A sweep may die anywhere; the next one goes on.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from application.commands.upload import Uploads
from application.ports.blob_ledger import BlobLedger
from application.ports.blobs import Blobs

BATCH = 5_000
PATIENCE = timedelta(seconds=30)

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sweeping:
    """What a sweep needs. `grace` must exceed the time that any command or job takes from storing
    or reading a blob to the event that refers to it."""

    blobs: Blobs
    uploads: Uploads
    ledger: BlobLedger
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found and did. Unreferenced blobs go once they have been so for the grace
    period. `skipped` says why nothing was removed."""

    blobs: int = 0
    bytes: int = 0
    unreferenced_blobs: int = 0
    unreferenced_bytes: int = 0
    freed_blobs: int = 0
    freed_bytes: int = 0
    skipped: str | None = None


def look(sweeping: Sweeping) -> Swept:
    """What nothing refers to now. Changes nothing."""
    return _seen(sweeping, marking=False)


def sweep_blobs(sweeping: Sweeping) -> Swept:
    """One sweep, unless another is under way. `freed_bytes` counts leftovers of broken writes
    and of uploads that have ended too."""
    with sweeping.ledger.leading() as leader:
        if not leader:
            return Swept(skipped="another sweep is under way")
        freed = sweeping.blobs.tidy(sweeping.grace) + _sweep_staging(sweeping.uploads)
        if not sweeping.ledger.caught_up(PATIENCE):
            told = "the projections lag behind the log, so references may be missing"
            return Swept(freed_bytes=freed, skipped=told)
        swept = _seen(sweeping, marking=True)
        return _take_due(sweeping, replace(swept, freed_bytes=freed))


def _seen(sweeping: Sweeping, *, marking: bool) -> Swept:
    swept = Swept()
    for batch in _batches(sweeping.blobs.stored()):
        if marking:
            sweeping.ledger.mark(batch)
        useless = sweeping.ledger.unreferenced(batch)
        swept = replace(
            swept,
            blobs=swept.blobs + len(batch),
            bytes=swept.bytes + sum(blob.bytes for blob in batch),
            unreferenced_blobs=swept.unreferenced_blobs + len(useless),
            unreferenced_bytes=swept.unreferenced_bytes + sum(blob.bytes for blob in useless),
        )
    return swept


def _take_due(sweeping: Sweeping, swept: Swept) -> Swept:
    for mark in sweeping.ledger.due(sweeping.grace):
        with sweeping.ledger.taking(mark, sweeping.grace) as ours:
            if ours:
                sweeping.blobs.delete(mark.tenant_id, mark.sha256)
                log.info("blob %s of tenant %s removed", mark.sha256, mark.tenant_id)
                swept = replace(
                    swept,
                    freed_blobs=swept.freed_blobs + 1,
                    freed_bytes=swept.freed_bytes + mark.bytes,
                )
    return swept


def _sweep_staging(uploads: Uploads) -> int:
    """Staged bytes whose upload is gone or complete. A row is made before its first byte, so
    bytes without a row are no upload that is just beginning."""
    freed = 0
    for staged in uploads.staging.staged():
        row = uploads.rows.get(staged.tenant_id, staged.upload_id)
        if row is None or row.completed_at is not None:
            freed += uploads.staging.drop(staged)
    return freed


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
