"""How GraphQL says no.

A refusal in a mutation is a `userErrors` entry; in a query or subscription it is an error with
`extensions.code`. Whatever else goes wrong is logged, and the client learns the request id only.
"""

import logging
from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext, ExecutionResult

from domain.refusal import Refusal
from interfaces.graphql.context import Context

INTERNAL, BAD_INPUT = "INTERNAL", "BAD_USER_INPUT"

LONGEST_MESSAGE = 1_000

log = logging.getLogger(__name__)


@strawberry.type(description="Why a mutation was refused; `field` is the input at fault.")
class UserError:
    field: str | None
    message: str
    code: str


def user_error(refusal: Refusal) -> UserError:
    return UserError(field=refusal.field, message=refusal.message, code=refusal.code)


class PublicErrors(SchemaExtension):
    """Gives refusals their code, and hides what clients should not see."""

    def on_operation(self) -> Iterator[None]:
        yield
        self._clean(self.execution_context.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        self._clean(result)
        yield

    def _clean(self, result: object) -> None:
        if isinstance(result, CoreResult | ExecutionResult) and result.errors:
            context = self.execution_context.context
            request_id = context.request_id if isinstance(context, Context) else ""
            result.errors = [_public(error, request_id) for error in result.errors]


def log_errors(errors: list[GraphQLError], context: ExecutionContext | None) -> None:
    """Logs what is our fault, once, with the request id that the client is told."""
    request = getattr(context and context.context, "request_id", "")
    for error in errors:
        if not _is_public(error):
            log.error("request %s failed at %s", request, error.path, exc_info=_origin(error))


def public_error(error: Exception, request_id: str) -> GraphQLError:
    """What a client is told of what broke before anything ran; the rest is logged."""
    wrapped = GraphQLError(str(error), original_error=error)
    if not _is_public(wrapped):
        log.error("request %s failed before it ran", request_id, exc_info=error)
    return _public(wrapped, request_id)


def _public(error: GraphQLError, request_id: str) -> GraphQLError:
    origin = _origin(error)
    if isinstance(origin, Refusal):
        extensions: dict[str, Any] = {"code": origin.code.value, "field": origin.field}
        return _again(error, origin.message, extensions)
    if _is_public(error):
        error.extensions = {"code": BAD_INPUT, **(error.extensions or {})}
        if len(error.message) > LONGEST_MESSAGE:  # it repeats the whole of a bad input
            error.message = error.message[:LONGEST_MESSAGE] + "…"
        return error
    return _again(error, "Internal error", {"code": INTERNAL, "requestId": request_id})


def _again(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message, nodes=error.nodes, source=error.source, path=error.path, extensions=extensions
    )


def _origin(error: GraphQLError) -> BaseException | None:
    """The exception behind the error; None when the request itself is at fault."""
    origin: BaseException | None = error.original_error
    while isinstance(origin, GraphQLError):
        origin = origin.original_error
    return None if isinstance(origin, StrawberryInputCoercionError) else origin


def _is_public(error: GraphQLError) -> bool:
    if error.extensions and error.extensions.get("code") == INTERNAL:
        return True
    return _origin(error) is None or isinstance(_origin(error), Refusal)
