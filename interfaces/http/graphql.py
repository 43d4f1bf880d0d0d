"""GraphQL over HTTP (POST only) and over WebSocket (`graphql-transport-ws` only).

Every request and every connection has its own context, whose principal is known before anything
runs: over HTTP from the header, over WebSocket from `connection_init`.
"""

from collections.abc import Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from domain.refusal import Refusal, RefusalCode
from interfaces.graphql.context import Context
from interfaces.http.authentication import Authenticator
from interfaces.http.refusals import refusal_response

LONGEST_BODY = 1_000_000

MakeContext = Callable[[str], Context]
"""Makes a context for the request id."""


class GraphQLEndpoint(GraphQL[Context, None]):
    """The endpoint at /graphql. A GET is answered by the page for trying queries out, if any."""

    def __init__(
        self,
        schema: Schema,
        make_context: MakeContext,
        authenticator: Authenticator,
        page: Response | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=10),
            max_subscriptions_per_connection=100,
        )
        self._make_context, self._authenticator, self._page = make_context, authenticator, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if request.method == "GET" and self._page is not None:
                await self._page(scope, receive, send)
                return
            try:
                scope["principal"] = await self._authenticator.of_connection(request)
                body = await _whole_body(request)
            except Refusal as refusal:
                await refusal_response(refusal)(scope, receive, send)
                return
            receive = _again(body, receive)
        await super().__call__(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        context = self._make_context(request.scope.get("request_id", ""))
        context.principal = request.scope.get("principal")
        return context

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        try:
            context.principal = await self._authenticator.of_params(context.connection_params)
        except Refusal as refusal:
            raise ConnectionRejectionError({"message": refusal.message}) from refusal
        unset: UnsetType = UNSET
        return unset


async def _whole_body(request: Request) -> bytes:
    """Raises Refusal(TOO_LARGE) as soon as the body is longer than a query can be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refusal(
                RefusalCode.TOO_LARGE,
                f"A request has at most {LONGEST_BODY:,} bytes. Files go to /uploads.",
            )
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
