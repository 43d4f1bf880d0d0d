"""What breaks is logged under the request's id; the client is told that id and nothing else.

This stands inside the middleware that sets headers, so that these answers carry them too.
"""

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("http")


class InternalErrors:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            log.exception("a request broke", path=scope["path"])
            if begun:
                raise  # the server cuts the connection: half an answer must not look whole
            request_id = scope.get("request_id")
            message = f"Something broke on our side. Quote the request id {request_id}."
            body = {"error": {"code": "INTERNAL", "message": message, "field": None}}
            await JSONResponse(body, 500)(scope, receive, send)
