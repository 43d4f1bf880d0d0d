"""Uploads: create, look at, finish and end them. `upload_stream` appends the bytes.

These functions block; call them from a worker thread. An upload of another tenant is NOT_FOUND.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from application.ports.blob_ledger import UNSWEPT, BlobHolds
from application.ports.uploads import StagedBytesLost, Staging, UploadTable
from domain.blob import checked_sha256
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from domain.upload import (
    ChecksumMismatch,
    Upload,
    UploadBusy,
    UploadExpired,
    checked_file_name,
    checked_purpose,
)

LIFETIME = timedelta(hours=24)
KEPT = timedelta(days=7)
MOST_OPEN = 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Uploads:
    """What uploading needs. `limit_for` gives the most bytes one upload of a tenant may have.

    `lifetime` counts from creation and `kept` from completion: a completed upload that nothing
    was made from in that time goes, and its bytes go with it. `most_open` is per tenant.
    """

    rows: UploadTable
    staging: Staging
    limit_for: Callable[[UUID], int]
    now: Callable[[], datetime] = _utc_now
    lifetime: timedelta = LIFETIME
    kept: timedelta = KEPT
    holds: BlobHolds = UNSWEPT
    most_open: int = MOST_OPEN


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the client declares, unchecked. `length` is in bytes."""

    length: int
    file_name: str
    purpose: str
    sha256: str | None = None


def create(uploads: Uploads, principal: Principal, request: UploadRequest) -> Upload:
    """An empty upload. Refuses FORBIDDEN, INVALID, TOO_LARGE and QUOTA_EXCEEDED."""
    principal.require(Role.OPERATOR)
    if request.length < 1:
        raise invalid("Upload-Length", "The file is empty. Upload one that has content.")
    _check_size(uploads, principal.tenant_id, request.length)
    now = uploads.now()
    upload = Upload(
        id=uuid4(),
        tenant_id=principal.tenant_id,
        purpose=checked_purpose(request.purpose),
        file_name=checked_file_name(request.file_name),
        length=request.length,
        created_by=principal.actor,
        created_at=now,
        expires_at=now + uploads.lifetime,
        expected_sha256=checked_sha256(request.sha256) if request.sha256 else None,
    )
    uploads.rows.add(upload, uploads.most_open)
    return upload


def find(uploads: Uploads, principal: Principal, upload_id: UUID) -> Upload:
    """The upload as it stands. Refuses FORBIDDEN, NOT_FOUND and UploadExpired.

    Finishes it first when all bytes are there: a crash may have come between.
    """
    principal.require(Role.OPERATOR)
    upload = _current(uploads, principal.tenant_id, upload_id)
    return finish_or_leave(uploads, upload) if upload.arrived else upload


def completed(uploads: Uploads, principal: Principal, upload_id: UUID) -> Upload:
    """An upload that is a blob by now: `blob` is set. Refuses INVALID_STATE when it is not."""
    upload = find(uploads, principal, upload_id)
    if upload.blob is None:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The upload has {upload.offset} of {upload.length} bytes. Finish it first.",
            "uploadId",
        )
    return upload


def finish_or_leave(uploads: Uploads, upload: Upload) -> Upload:
    """`finish`, or the upload as it is while somebody else is finishing it."""
    if upload.completed_at:
        return upload
    try:
        return finish(uploads, upload)
    except UploadBusy:
        return uploads.rows.get(upload.tenant_id, upload.id) or upload


def finish(uploads: Uploads, upload: Upload) -> Upload:
    """Turns an upload whose bytes have all arrived into a blob; repeating it changes nothing.

    Bytes are published before the row says so, and unstaged only after. Raises ChecksumMismatch,
    and removes the upload, when the client had promised another sha256.
    """
    writer = uploads.staging.writer(upload)
    try:
        upload = _current(uploads, upload.tenant_id, upload.id)
        if upload.completed_at is None:
            upload = _publish(uploads, upload)
        uploads.staging.discard(upload)
        return upload
    except StagedBytesLost:
        # Object staging takes no lock: another process may just have finished it.
        again = _current(uploads, upload.tenant_id, upload.id)
        if again.completed_at:
            return again
        remove(uploads, again)
        raise UploadExpired("The bytes of this upload are gone. Start it again.") from None
    finally:
        writer.close()


def terminate(uploads: Uploads, principal: Principal, upload_id: UUID) -> None:
    """Ends an unfinished upload and frees its bytes.

    Refuses INVALID_STATE for a completed one, whose blob may be in use, and UploadBusy while
    bytes are arriving.
    """
    principal.require(Role.OPERATOR)
    upload = uploads.rows.get(principal.tenant_id, upload_id)
    if upload is None:
        raise not_found("upload")
    if upload.completed_at:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            "The upload is complete. Delete the model or dataset that was made from it.",
            "id",
        )
    writer = uploads.staging.writer(upload)
    try:
        remove(uploads, upload)
    finally:
        writer.close()


def sweep(uploads: Uploads, most: int = 100) -> int:
    """Removes expired uploads of all tenants, at most `most`; gives their number."""
    removed = 0
    for upload in uploads.rows.expired(uploads.now(), most):
        try:
            writer = uploads.staging.writer(upload)
        except UploadBusy:
            continue
        try:
            remove(uploads, upload)
        finally:
            writer.close()
        removed += 1
    return removed


def remove(uploads: Uploads, upload: Upload) -> None:
    """Bytes first: after a crash in between, the row remains and is swept when it expires."""
    uploads.staging.discard(upload)
    uploads.rows.delete(upload.tenant_id, upload.id)


def check_resumable(uploads: Uploads, upload: Upload) -> None:
    """Refuses TOO_LARGE when the plan became smaller than the upload meanwhile."""
    _check_size(uploads, upload.tenant_id, upload.length)


def _current(uploads: Uploads, tenant_id: UUID, upload_id: UUID) -> Upload:
    upload = uploads.rows.get(tenant_id, upload_id)
    if upload is None:
        raise not_found("upload")
    if upload.expired(uploads.now()):
        raise UploadExpired()
    return upload


def _publish(uploads: Uploads, upload: Upload) -> Upload:
    ref = uploads.staging.digest(upload)
    if upload.expected_sha256 not in (None, ref.sha256):
        remove(uploads, upload)
        raise ChecksumMismatch(
            f"The file arrived with sha256 {ref.sha256}, not {upload.expected_sha256}. "
            "The upload was removed. Send the file again.",
            "sha256",
        )
    uploads.staging.publish(upload, ref)
    with uploads.holds.holding(upload.tenant_id, ref.sha256):
        # The same content may have been there, and a sweep may have removed it just now.
        uploads.staging.publish(upload, ref)
        now = uploads.now()
        return uploads.rows.complete(upload, ref.sha256, now, now + uploads.kept)


def _check_size(uploads: Uploads, tenant_id: UUID, length: int) -> None:
    limit = uploads.limit_for(tenant_id)
    if length > limit:
        raise Refusal(
            RefusalCode.TOO_LARGE,
            f"The file has {length:,} bytes; your plan allows {limit:,}. "
            "Choose a larger plan or send a smaller file.",
            "Upload-Length",
        )
