"""Documents are parsed, measured and validated once, and those used last are kept.

What is kept is bounded by the length of the texts, because the memory that a document takes grows
with it. Trusted documents (see `trusted`) are kept for good.
"""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from interfaces.graphql.cost import Cost
from interfaces.graphql.executor import PlannedDocument
from interfaces.graphql.limits import MOST_TOKENS, too_large

PARSE_FAILED, VALIDATION_FAILED = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
MOST_ERRORS = 20
KEPT_CHARACTERS, LONGEST_KEPT = 250_000, 20_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document that could be read, and what is wrong with it."""

    ast: DocumentNode
    errors: list[GraphQLError]
    cost: Cost

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation to carry out; None where there is no such one, or no telling which."""
        operations = [
            definition
            for definition in self.ast.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        if name is None:
            return operations[0] if len(operations) == 1 else None
        named = (one for one in operations if one.name is not None and one.name.value == name)
        return next(named, None)


class Documents:
    """The documents of one schema."""

    def __init__(self, introspection: bool = True) -> None:
        self._rules: tuple[type[ASTValidationRule], ...] = (
            *specified_rules,
            *(() if introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def read(self, schema: GraphQLSchema, text: str) -> Document:
        """Raises GraphQLError for what is no document."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
            return known
        document = self._read(schema, text)
        if len(text) <= LONGEST_KEPT:
            self._keep(text, document)
        return document

    def _read(self, schema: GraphQLSchema, text: str) -> Document:
        try:
            ast = parse(text, max_tokens=MOST_TOKENS)
            errors = too_large(ast) or self._invalid(schema, ast)
        except RecursionError:
            message = "The query is nested too deeply."
            raise GraphQLError(message, extensions={"code": "INVALID"}) from None
        except GraphQLError as error:
            raise _coded(error, PARSE_FAILED) from None
        return Document(PlannedDocument.of(ast), errors, Cost(schema, ast))

    def _invalid(self, schema: GraphQLSchema, ast: DocumentNode) -> list[GraphQLError]:
        found = validate(schema, ast, self._rules, MOST_ERRORS, hide_suggestions=True)
        return [_coded(_readable(error), VALIDATION_FAILED) for error in found]

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._characters += len(text)
        while self._characters > KEPT_CHARACTERS:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)

    def __len__(self) -> int:
        return len(self._kept)


def _readable(error: GraphQLError) -> GraphQLError:
    """A literal that Python will not convert, such as a number of thousands of digits, is the
    query's mistake, and Python's words for it are nobody's business."""
    if type(error.original_error) is not ValueError:
        return error
    return GraphQLError("A value in the query cannot be read.", error.nodes)


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {"code": code, **(error.extensions or {})}
    return error
