"""Every request has an id, told to the client and kept in every log line that it leads to.

A request that belongs to a trace (W3C `traceparent`) has the trace's id, as a UUID: the id
correlates all that follows, and the trace goes on wherever that leads.
"""

import re
import time
from uuid import UUID, uuid4

import structlog
from prometheus_client import Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

SECONDS = Histogram(
    "edgewise_http_request_seconds", "Time to answer a request", ["method", "route", "status"]
)
SOCKETS = Gauge("edgewise_websockets_open", "WebSockets that are open")
log = structlog.get_logger("http")


class RequestLog:
    """ASGI middleware. A client's own id is taken over when it is a plain word."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            SOCKETS.inc()
        request_id = scope["request_id"] = _id_of(scope)
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            finally:
                if scope["type"] == "http":
                    _record(scope, status, time.perf_counter() - started)
                else:
                    SOCKETS.dec()


def _id_of(scope: Scope) -> str:
    if trace := _TRACEPARENT.fullmatch(traceparent_of(scope) or ""):
        return str(UUID(trace[1]))
    given = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
    return given if _ACCEPTED.fullmatch(given) else str(uuid4())


def traceparent_of(scope: Scope) -> str | None:
    """The span that the client is in, where it says."""
    given: bytes | None = dict(scope["headers"]).get(b"traceparent")
    return None if given is None else given.decode("latin-1")


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = "/" + scope["path"].strip("/").split("/", 1)[0]
    known = route if status != 404 else "unknown"
    SECONDS.labels(scope["method"], known, str(status)).observe(seconds)
    if route not in ("/healthz", "/readyz", "/metrics"):
        log.info(
            "request",
            method=scope["method"],
            path=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )
