"""What an operation must pass before it runs: it is trusted, readable, small enough, valid, not too
dear, and its tenant can pay for it. Over HTTP and WebSocket alike.

What was paid is told in `extensions.cost`, of refusals too.
"""

from collections.abc import AsyncIterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from interfaces.graphql.caching import Document, Documents
from interfaces.graphql.context import Context
from interfaces.graphql.errors import BAD_INPUT, public_error
from interfaces.graphql.spending import Bill
from interfaces.graphql.trusted import Trusted


class Admission(SchemaExtension):
    """One operation's."""

    def __init__(self, documents: Documents, trusted: Trusted) -> None:
        self._documents, self._trusted = documents, trusted
        self._document: Document | None = None
        self._bill: Bill | None = None

    async def on_parse(self) -> AsyncIterator[None]:
        execution = self.execution_context
        assert execution.query is not None
        try:
            self._trusted.require(execution.query)
            self._document = self._documents.read(execution.schema._schema, execution.query)
        except Exception:
            await self._charge(0)
            raise
        execution.graphql_document = self._document.ast
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        execution, document = self.execution_context, self._document
        assert document is not None
        errors, cost = list(document.errors), 0
        # Strawberry would run the first of several operations where none is named.
        operation = document.operation(execution._provided_operation_name)
        if operation is None:
            errors = errors or [_unnamed()]
        elif not errors:
            cost = document.cost.of(operation, execution.variables or {})
        await self._charge(cost)
        refusal = self._bill.refusal() if self._bill is not None else None
        execution.pre_execution_errors = errors or ([refusal] if refusal else [])
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self._bill is None else {"cost": self._bill.told()}

    async def _charge(self, cost: int) -> None:
        context = self.execution_context.context
        if not isinstance(context, Context) or not context.spending or not context.principal:
            return
        # A subscription that its transport takes up again has paid when it began.
        if context.following.resume is None:
            try:
                self._bill = await context.spending.bill(context.tenant_id, cost)
            except Exception as error:  # such as a database that is away
                raise public_error(error, context.request_id) from error


def _unnamed() -> GraphQLError:
    message = "The document has several operations. Name one: `operationName`."
    return GraphQLError(message, extensions={"code": BAD_INPUT})
