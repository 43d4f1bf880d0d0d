"""Every request is a span, inside the client's own where it says which (W3C `traceparent`).

A WebSocket is none: it lives for hours. What is asked for on it has spans of its own.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.ports.tracing import After, Tracing
from interfaces.http.request_log import traceparent_of

_UNTOLD = ("/healthz", "/readyz", "/metrics")


class RequestSpans:
    """ASGI middleware, inside the one that gives the request its id."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app, self._tracing = app, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTOLD:
            await self._app(scope, receive, send)
            return
        request_id, method = scope["request_id"], scope["method"]
        route = "/" + scope["path"].strip("/").split("/", 1)[0]
        after = After(request_id, traceparent=traceparent_of(scope))
        with self._tracing.span(
            f"{method} {route}", after, "server", request_id=request_id, method=method
        ) as note:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    note("status", message["status"])
                await send(message)

            await self._app(scope, receive, answer)
