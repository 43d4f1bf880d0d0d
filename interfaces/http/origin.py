"""Which pages may talk to us: our own, and those of the origins that a setting lists.

A browser tells the page's origin with every request that could do harm and with every WebSocket.
Another origin is refused with 403, and a WebSocket before it is accepted. Whoever sends no Origin
is no browser, and carries no credentials that a page could abuse.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ALLOWED_HEADERS = (
    "Authorization", "Content-Type", "Range", "Tus-Resumable", "Upload-Checksum", "Upload-Length",
    "Upload-Metadata", "Upload-Offset", "X-Request-Id",
)  # fmt: skip
_SHOWN_HEADERS = (
    "Content-Range", "ETag", "Location", "Retry-After", "Tus-Resumable", "Upload-Expires",
    "Upload-Offset", "Upload-Sha256", "X-Request-Id",
)  # fmt: skip


def origin_middleware(public_url: str, allowed: Collection[str]) -> list[Middleware]:
    """The check, and behind it the answers that let the listed origins' pages read ours (CORS)."""
    found = [Middleware(OriginCheck, own=public_url, allowed=allowed)]
    if allowed:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=[origin.rstrip("/") for origin in allowed],
                allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
                allow_headers=_ALLOWED_HEADERS,
                expose_headers=_SHOWN_HEADERS,
            )
        )
    return found


class OriginCheck:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, own: str, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = {_normal(origin) for origin in (own, *allowed)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not self._may(origin, headers.get("host", "")):
                await _refuse(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _may(self, origin: str, host: str) -> bool:
        found = _normal(origin)
        if found is None:
            return False
        return found in self._allowed or found == _normal(f"{found[0]}://{host}")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Closed before it was accepted, the handshake is answered with 403.
        await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})
        return
    message = "Pages of this origin may not use this API. EDGEWISE_ORIGINS lists those that may."
    body = {"error": {"code": "FORBIDDEN", "message": message, "field": "Origin"}}
    await JSONResponse(body, 403)(scope, receive, send)


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no origin of a page on the web, such as `null`."""
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port
