"""Headers that every answer carries, so that a browser makes no more of it than it is.

What an answer sets itself stays: the page at /graphql needs scripts and styles, a download has a
policy of its own. Answers are not kept by anybody unless they say otherwise.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_YEAR = 31_536_000


class SecurityHeaders:
    """ASGI middleware. Behind https, browsers are told to use nothing else for a year."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self._app = app
        wanted = _ALWAYS | ({"strict-transport-security": f"max-age={_YEAR}"} if https else {})
        self._headers = [(name.encode(), value.encode()) for name, value in wanted.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.setdefault("headers", [])
                set_already = {name.lower() for name, _ in given}
                message["headers"] = [
                    *given,
                    *(pair for pair in self._headers if pair[0] not in set_already),
                ]
            await send(message)

        await self._app(scope, receive, answer)
