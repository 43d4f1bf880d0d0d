"""An upload in progress: bytes that arrive in any number of pieces and are then one blob.

An upload is an operational row, not an aggregate. Its offset is a promise: the bytes before it
are durable, so it only rises, and never above what is on disk or in the object store.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.blob import BlobRef
from domain.refusal import Refusal, RefusalCode, invalid

LONGEST_FILE_NAME = 255
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class UploadPurpose(StrEnum):
    """What the bytes are for. A dataset is for calibration, evaluation or training, a release for
    devices: files or firmware of a rollout."""

    MODEL = "MODEL"
    DATASET = "DATASET"
    LOGS = "LOGS"
    AUDIO = "AUDIO"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True)
class Upload:
    """Sizes are in bytes. `expected_sha256` is what the client promised, `sha256` what came.

    `parts` names the stored pieces in order, for staging that keeps pieces; else it is empty.
    """

    id: UUID
    tenant_id: UUID
    purpose: UploadPurpose
    file_name: str
    length: int
    created_by: str
    created_at: datetime
    expires_at: datetime
    expected_sha256: str | None = None
    offset: int = 0
    parts: tuple[str, ...] = ()
    sha256: str | None = None
    completed_at: datetime | None = None

    @property
    def arrived(self) -> bool:
        """Whether every byte is durable, though perhaps not yet published as a blob."""
        return self.offset == self.length

    @property
    def blob(self) -> BlobRef | None:
        """The blob that a completed upload became; None before."""
        return BlobRef(self.sha256, self.length) if self.sha256 else None

    def expired(self, now: datetime) -> bool:
        """Its time is over at `expires_at`, which moves when the upload is completed. What was
        made from it by then keeps the bytes."""
        return now >= self.expires_at


class UploadExpired(Refusal):
    """The upload was not finished or not used in time, or its staged bytes are gone."""

    def __init__(self, message: str = "This upload has expired. Start it again.") -> None:
        super().__init__(RefusalCode.INVALID_STATE, message, "id")


class OffsetConflict(Refusal):
    """The caller's offset is not where the upload stands."""

    def __init__(self, offset: int) -> None:
        super().__init__(
            RefusalCode.CONFLICT,
            f"The upload stands at byte {offset}. Continue from there.",
            "Upload-Offset",
        )
        self.offset = offset


class UploadBusy(Refusal):
    """Somebody else is writing to this upload."""

    def __init__(self) -> None:
        super().__init__(
            RefusalCode.CONFLICT,
            "Another request is writing to this upload. Try again in a moment.",
            "id",
        )


class TooManyUploads(Refusal):
    """The tenant has as many unfinished uploads as it may have."""

    def __init__(self, most_open: int) -> None:
        super().__init__(
            RefusalCode.QUOTA_EXCEEDED,
            f"There are {most_open} unfinished uploads already, the most that may be open. "
            "Finish or delete one, or wait until one expires.",
        )


class ChecksumMismatch(Refusal):
    """What arrived is not what was sent; the bytes in question were thrown away."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(RefusalCode.INVALID, message, field)


def checked_file_name(name: str, where: str = "filename") -> str:
    """The file name in NFC form. Raises Refusal(INVALID) naming the field `where`.

    A name is 1 to 255 characters, no path, and has no control, formatting or bidirectional
    characters: `exe.cod` must not be shown as `doc.exe`.
    """
    if len(name) > LONGEST_FILE_NAME:
        raise invalid(
            where,
            f"The file name has {len(name)} characters. Shorten it to {LONGEST_FILE_NAME} at most.",
        )
    name = unicodedata.normalize("NFC", name)
    if not name.strip() or name in {".", ".."}:
        raise invalid(where, "The file name is empty. Give the name of the file.")
    if "/" in name or "\\" in name:
        raise invalid(where, "The file name contains a path separator. Give the name alone.")
    for character in name:
        if unicodedata.category(character) in _INVISIBLE:
            raise invalid(
                where,
                f"The file name contains the invisible character U+{ord(character):04X}. "
                "Remove it.",
            )
    return name


def checked_purpose(value: str, where: str = "purpose") -> UploadPurpose:
    """The purpose, in any case of letters. Raises Refusal(INVALID) naming the field `where`."""
    try:
        return UploadPurpose(value.upper())
    except ValueError:
        known = ", ".join(UploadPurpose)
        raise invalid(where, f"The purpose must be one of {known}.") from None
