"""Signing in by API key: `Authorization: Bearer …` over HTTP, or the same in `connection_init`."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from application.ports.keys import Keys
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode

LONGEST_SECRET = 200


def unauthenticated(message: str) -> Refusal:
    return Refusal(RefusalCode.UNAUTHENTICATED, message)


class Authenticator:
    """Turns what a client sends into a principal."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def of_connection(self, connection: HTTPConnection) -> Principal:
        """Raises Refusal(UNAUTHENTICATED)."""
        return await self.of_header(connection.headers.get("authorization"))

    async def of_params(self, params: Mapping[str, Any] | None) -> Principal:
        """The payload of `connection_init`: {"authorization": "Bearer …"}, in any case."""
        named = {str(key).lower(): value for key, value in (params or {}).items()}
        header = named.get("authorization")
        return await self.of_header(header if isinstance(header, str) else None)

    async def of_header(self, header: str | None) -> Principal:
        scheme, _, secret = (header or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise unauthenticated("Send an API key: `Authorization: Bearer …`.")
        if len(secret) > LONGEST_SECRET or not secret.isascii():
            raise unauthenticated("This is no API key. Keys begin with `ew_`.")
        principal = await self._keys.principal(secret)
        if principal is None:
            raise unauthenticated("The API key is unknown or was revoked. Use another one.")
        return principal
