"""What a signed download token grants, and how the token is read back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class DownloadGrant:
    """Leave to read one blob of one tenant under one file name until `expires_at`."""

    tenant_id: UUID
    sha256: str
    file_name: str
    media_type: str
    expires_at: datetime


class LinkForged(Refusal):
    """The token was not signed by this installation, or was changed afterward."""

    def __init__(self) -> None:
        super().__init__(
            RefusalCode.FORBIDDEN, "This link is not valid. Ask for a new one.", "token"
        )


class LinkExpired(Refusal):
    """The token was good once."""

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(
            RefusalCode.INVALID_STATE,
            f"This link expired at {expired_at:%Y-%m-%d %H:%M:%S} UTC. Ask for a new one.",
            "token",
        )


class DownloadGrants(Protocol):
    """Reads tokens that the same installation signed."""

    def open(self, token: str) -> DownloadGrant:
        """Raises LinkForged for a bad signature and LinkExpired for an old one."""
        ...
