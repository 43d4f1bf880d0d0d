"""The session in a cookie, and what a request must prove that comes with one.

The cookie is HttpOnly and SameSite=Lax; where the installation is reached by https it is Secure and
has the prefix `__Host-`, so that no other host can set it. A browser sends it along with requests
that foreign pages make, so one that could change something needs the session's CSRF token in the
header X-CSRF-Token, and an Origin, where there is one, must be ours. A WebSocket has no such
header: its Origin must be there and ours.
"""

import hmac
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.requests import HTTPConnection
from starlette.responses import Response

from application.platform import Platform
from application.ports.sessions import LONGEST, Session
from application.sign_in import csrf_token, principal_of, session_of
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode

CSRF_HEADER = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")
LONGEST_SECRET = 100


class SessionCookies:
    """`url` is how clients reach the installation."""

    def __init__(self, platform: Platform, url: str) -> None:
        self._platform, self._url = platform, url
        self.secure = url.startswith("https:")
        self.prefix = "__Host-" if self.secure else ""
        self.name = f"{self.prefix}edgewise_session"

    def secret(self, connection: HTTPConnection) -> str | None:
        """What the cookie holds; None where there is none, or nothing that we have set."""
        held = connection.cookies.get(self.name)
        return held if held and len(held) <= LONGEST_SECRET and held.isascii() else None

    async def session(self, connection: HTTPConnection) -> Session | None:
        """The session of the cookie; None without one, or when it has ended."""
        secret = self.secret(connection)
        if secret is None or self._platform.users is None:
            return None
        try:
            return await anyio.to_thread.run_sync(session_of, self._platform, secret)
        except Refusal:
            return None

    async def principal(self, connection: HTTPConnection) -> Principal | None:
        """Who is signed in. Raises Refusal(FORBIDDEN) where the request may be forged."""
        secret = self.secret(connection)
        if secret is None or self._platform.users is None:
            return None
        self.require_genuine(connection, secret)
        return principal_of(await anyio.to_thread.run_sync(session_of, self._platform, secret))

    def require_genuine(self, connection: HTTPConnection, secret: str) -> None:
        """Raises Refusal(FORBIDDEN) for what a foreign page may have caused."""
        websocket = connection.scope["type"] == "websocket"
        self.require_own_origin(connection, always=websocket)
        if websocket or connection.scope["method"] in SAFE:
            return
        given = connection.headers.get(CSRF_HEADER, "")
        self.require_token(given, secret)

    def require_token(self, given: str, secret: str) -> None:
        """Raises Refusal(FORBIDDEN) for a CSRF token that is not this session's."""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), csrf_token(secret).encode()):
            raise Refusal(
                RefusalCode.FORBIDDEN,
                "Send the session's CSRF token in the header X-CSRF-Token; GET /auth/session "
                "gives it.",
            )

    def require_own_origin(self, connection: HTTPConnection, *, always: bool = False) -> None:
        """Raises Refusal(FORBIDDEN) for another origin; for none at all where one is due."""
        origin = connection.headers.get("origin")
        if origin is None and not always:
            return
        scheme, _, host = (origin or "").partition("://")
        ours = urlsplit(self._url)
        same = scheme in ("http", "https") and host == connection.headers.get("host")
        if not same and (scheme, host) != (ours.scheme, ours.netloc):
            raise Refusal(
                RefusalCode.FORBIDDEN,
                "This request comes from a page of another origin. Use a page of this server.",
            )

    def set(self, response: Response, secret: str) -> None:
        self.set_own(response, self.name, secret, int(LONGEST.total_seconds()))

    def set_own(self, response: Response, name: str, value: str, seconds: int) -> None:
        """A cookie of ours, with the flags that all have; 0 seconds remove it."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="lax",
        )

    def clear(self, response: Response) -> None:
        self.set_own(response, self.name, "", 0)
