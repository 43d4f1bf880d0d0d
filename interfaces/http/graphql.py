"""GraphQL over HTTP: POST only. A GET is answered by the page for trying queries out, if any.
Over WebSocket: see graphql_socket.

Who asks is known before the body is read. What is no GraphQL request is refused as everything over
HTTP is (`{"error"}`); every other answer is a GraphQL response.
"""

from collections.abc import Callable

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from domain.refusal import Refusal, invalid
from interfaces.graphql.context import Context
from interfaces.graphql.trusted import Trusted
from interfaces.http.authentication import Authenticator
from interfaces.http.graphql_request import BadRequest, GraphQLRequest, read_request
from interfaces.http.graphql_response import answer
from interfaces.http.refusals import refusal_response

MakeContext = Callable[[str], Context]
"""Makes a context for the request id."""

_ALLOWED = frozenset({OperationType.QUERY, OperationType.MUTATION})


class GraphQLEndpoint:
    """The ASGI application at /graphql, for HTTP."""

    def __init__(
        self,
        schema: Schema,
        make_context: MakeContext,
        authenticator: Authenticator,
        trusted: Trusted,
        page: Response | None = None,
    ) -> None:
        self._schema, self._make_context = schema, make_context
        self._authenticator, self._trusted, self._page = authenticator, trusted, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            return self._page_or_refusal(request)
        try:
            principal = await self._authenticator.of_connection(request)
            read = await read_request(request)
        except Refusal as refusal:
            return refusal_response(refusal)
        except BadRequest as bad:
            headers = {"Connection": "close"} if bad.close else None
            return refusal_response(bad.refusal, bad.status, headers)
        context = self._make_context(request.scope.get("request_id", ""))
        context.principal = principal
        result = await self._result(read, context)
        if result is None:
            return refusal_response(invalid("query", "Send a `query` or a `documentId`."), 400)
        return answer(result, request.headers.get("accept"))

    async def _result(self, read: GraphQLRequest, context: Context) -> ExecutionResult | None:
        """None when the request names no document at all."""
        try:
            text = self._trusted.named(read.body)
            if not text:
                return None
            return await self._schema.execute(
                text,
                read.variables,
                context_value=context,
                operation_name=read.operation_name,
                allowed_operation_types=_ALLOWED,
                operation_extensions=read.extensions,
            )
        except GraphQLError as error:
            return ExecutionResult(None, [error])
        except CannotGetOperationTypeError:
            return _refused("operationName", "Name one of the document's operations.")
        except InvalidOperationTypeError:
            return _refused("query", "Subscriptions go over WebSocket (graphql-transport-ws).")

    def _page_or_refusal(self, request: Request) -> Response:
        wanted = request.headers.get("accept", "")
        if request.method in ("GET", "HEAD") and self._page is not None and "text/html" in wanted:
            return self._page
        refusal = invalid("method", "Operations are sent by POST, as application/json.")
        return refusal_response(refusal, 405, {"Allow": "POST"})


def _refused(field: str, message: str) -> ExecutionResult:
    extensions = {"code": "BAD_USER_INPUT", "field": field}
    return ExecutionResult(None, [GraphQLError(message, extensions=extensions)])
