"""Documents are parsed and validated once, and the last 128 of them kept.

Nesting that is too deep for the parser is the client's mistake, not ours.
"""

from collections.abc import Iterator

from graphql import GraphQLError
from strawberry.extensions import ParserCache, ValidationCache


class ParsedOnce(ParserCache):
    """Keeps parsed documents."""

    def on_parse(self) -> Iterator[None]:
        try:
            document = self.cached_parse_document(
                self.execution_context.query, **self.execution_context.parse_options
            )
        except RecursionError:
            raise _too_deep() from None
        self.execution_context.graphql_document = document
        yield


class ValidatedOnce(ValidationCache):
    """Keeps what validation found."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        try:
            execution.pre_execution_errors = self.cached_validate_document(
                execution.schema._schema, execution.graphql_document, execution.validation_rules
            )
        except RecursionError:
            raise _too_deep() from None
        yield


def _too_deep() -> GraphQLError:
    return GraphQLError("The query is nested too deeply.", extensions={"code": "INVALID"})
