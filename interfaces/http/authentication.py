"""Who asks: by API key (`Authorization: Bearer …` over HTTP, or the same in `connection_init`),
else by the cookie of a session.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from application.ports.keys import Keys
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode
from interfaces.http.cookies import SessionCookies

LONGEST_SECRET = 200


def unauthenticated(message: str) -> Refusal:
    return Refusal(RefusalCode.UNAUTHENTICATED, message)


class Authenticator:
    """Turns what a client sends into a principal."""

    def __init__(self, keys: Keys, cookies: SessionCookies | None = None) -> None:
        self._keys, self._cookies = keys, cookies

    async def of_connection(self, connection: HTTPConnection) -> Principal:
        """Raises Refusal(UNAUTHENTICATED), and Refusal(FORBIDDEN) for a cookie that comes with
        what a foreign page may have caused."""
        header = connection.headers.get("authorization")
        if header is None and self._cookies is not None:
            principal = await self._cookies.principal(connection)
            if principal is not None:
                return principal
        return await self.of_header(header)

    async def of_params(
        self, params: Mapping[str, Any] | None, handshake: HTTPConnection | None = None
    ) -> Principal:
        """The payload of `connection_init`: {"authorization": "Bearer …"}, in any case; else the
        cookie that came with the handshake."""
        named = {str(key).lower(): value for key, value in (params or {}).items()}
        header = named.get("authorization")
        if header is None and handshake is not None:
            return await self.of_connection(handshake)
        return await self.of_header(header if isinstance(header, str) else None)

    async def of_header(self, header: str | None) -> Principal:
        scheme, _, secret = (header or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise unauthenticated("Send an API key: `Authorization: Bearer …`, or sign in.")
        if len(secret) > LONGEST_SECRET or not secret.isascii():
            raise unauthenticated("This is no API key. Keys begin with `ew_`.")
        principal = await self._keys.principal(secret)
        if principal is None:
            raise unauthenticated("The API key is unknown or was revoked. Use another one.")
        return principal
