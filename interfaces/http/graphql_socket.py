"""GraphQL over WebSocket, by `graphql-transport-ws` only; whoever speaks is known before anything
runs: from `connection_init`, which must come within 10 s.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from domain.principal import Principal
from interfaces.graphql.context import Context
from interfaces.http.authentication import Authenticator
from interfaces.http.graphql import MakeContext
from interfaces.http.shared_results import Asked, Sharing
from interfaces.http.signed_in import SignedIn
from interfaces.http.silent_sockets import SilentSockets
from interfaces.http.socket_handler import MOST_OPERATIONS, SocketAdapter, SocketHandler

INIT_SECONDS = 10.0


class GraphQLSockets(GraphQL[Context, None]):
    """The endpoint at /graphql for WebSockets, and what its connections have in common."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: Schema,
        make_context: MakeContext,
        authenticator: Authenticator,
        signed_in: SignedIn,
        allowed_origins: Sequence[str] = (),
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=MOST_OPERATIONS,
            allowed_origins=allowed_origins,
        )
        self._authenticator, self.signed_in = authenticator, signed_in
        self.silent, self.sharing = SilentSockets(), Sharing(self.execute, self._encoded)
        self._make_context = make_context

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return self._make_context(request.scope.get("request_id", ""))

    async def principal_of(self, socket: WebSocket, params: Mapping[str, Any] | None) -> Principal:
        """Who speaks, by the payload of connection_init, else by the cookie of the handshake;
        asked again while the socket is open. Raises Refusal(UNAUTHENTICATED)."""
        return await self._authenticator.of_params(params, socket)

    async def execute(self, asked: Asked, context: Context) -> Any:
        """The results of an operation, as they come."""
        return await self.schema.stream(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
        )

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)  # nested too deeply is malformed here, not a crash

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    def _encoded(self, result: ExecutionResult) -> str:
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            payload["errors"] = [error.formatted for error in result.errors]
        if result.extensions:
            payload["extensions"] = result.extensions
        return self.encode_json(payload).decode()
