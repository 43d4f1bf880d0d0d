"""Download URLs that this installation signs and serves itself, for blobs on local disk.

The token is an itsdangerous URL-safe signature (HMAC-SHA256) over tenant, sha256, file name,
media type and expiry in seconds since 1970. Nothing is stored: a link cannot be taken back
before it expires, except by changing the key, which takes back all of them.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

from application.ports.blobs import DEFAULT_LINK_LIFE, LONGEST_LINK_LIFE
from application.ports.downloads import DownloadGrant, LinkExpired, LinkForged
from domain.refusal import invalid
from domain.upload import checked_file_name


def checked_life(expires_in: timedelta) -> timedelta:
    """The life of a link in whole seconds. Raises Refusal(INVALID) naming `expiresIn`."""
    if not timedelta(seconds=1) <= expires_in <= LONGEST_LINK_LIFE:
        raise invalid("expiresIn", "A link lives at least 1 second and at most 7 days.")
    return timedelta(seconds=int(expires_in.total_seconds()))


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SignedLinks:
    """DownloadLinks and DownloadGrants in one: who signs can also read.

    `base_url` is the public address of the API, without a slash at its end.
    """

    def __init__(
        self, key: str | bytes, base_url: str, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._base_url, self._now = base_url.rstrip("/"), now
        self._serializer = URLSafeSerializer(
            key,
            salt="edgewise.download",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def link(
        self,
        tenant_id: UUID,
        sha256: str,
        file_name: str,
        expires_in: timedelta = DEFAULT_LINK_LIFE,
        media_type: str = "application/octet-stream",
    ) -> str:
        name = checked_file_name(file_name, "fileName")
        expires = int((self._now() + checked_life(expires_in)).timestamp())
        token: str = self._serializer.dumps([str(tenant_id), sha256, name, media_type, expires])
        return f"{self._base_url}/downloads/{token}/{quote(name, safe='')}"

    def open(self, token: str) -> DownloadGrant:
        try:
            fields: list[Any] = self._serializer.loads(token)
        except BadSignature:
            raise LinkForged() from None
        tenant_id, sha256, file_name, media_type, expires = fields
        expires_at = datetime.fromtimestamp(expires, UTC)
        if self._now() >= expires_at:
            raise LinkExpired(expires_at)
        return DownloadGrant(UUID(tenant_id), sha256, file_name, media_type, expires_at)
