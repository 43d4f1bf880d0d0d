"""The file of a finished upload, as a private working copy."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from application.commands.command import Request
from application.commands.upload import completed
from application.platform import Platform
from application.ports.engine import EngineCrashed, EngineRefusal
from application.storage_full import refusing_when_full
from domain.refusal import Refusal, RefusalCode
from domain.upload import Upload, UploadPurpose


@contextmanager
def uploaded_file(
    platform: Platform, request: Request, upload_id: UUID, purpose: UploadPurpose
) -> Iterator[tuple[Upload, Path]]:
    """Raises Refusal when there is no such upload, it is unfinished or meant for another use."""
    try:
        upload = completed(platform.uploads, request.principal, upload_id)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, "uploadId") from refusal
    if upload.purpose is not purpose:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The upload was made for {upload.purpose}, not for {purpose}. Upload it again.",
            "uploadId",
        )
    with refusing_when_full(), tempfile.TemporaryDirectory(dir=platform.scratch) as folder:
        path = Path(folder) / "upload"
        assert upload.sha256 is not None
        platform.blobs.checkout(request.tenant_id, upload.sha256, path)
        with _refusing(purpose):
            yield upload, path


@contextmanager
def _refusing(purpose: UploadPurpose) -> Iterator[None]:
    """What the engine says of the file, as a refusal of the upload."""
    code = (
        RefusalCode.MODEL_REFUSED if purpose is UploadPurpose.MODEL else RefusalCode.DATASET_REFUSED
    )
    try:
        yield
    except EngineRefusal as refusal:
        raise Refusal(code, str(refusal), "uploadId") from refusal
    except EngineCrashed as crash:
        if crash.retryable:
            message = "The check of the file was interrupted. Try again."
            raise Refusal(RefusalCode.UNAVAILABLE, message, "uploadId") from crash
        message = f"The file could not be checked safely ({crash.kind}: {crash.detail})."
        raise Refusal(code, message, "uploadId") from crash
