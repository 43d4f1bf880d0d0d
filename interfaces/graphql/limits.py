"""How large a query may be: 12 levels, 30 aliases, 2,000 tokens.

Fragments count wherever they are spread, and each is measured once: counting them anew at every
spread takes time that doubles with each fragment that spreads another one twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import SchemaExtension

DEEPEST, MOST_ALIASES, MOST_TOKENS = 12, 30, 2_000


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    aliases: int = 0


class _Measure:
    """Sizes of selection sets; a fragment that spreads itself is another rule's business."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, _Size] = {}

    def of(self, selected: SelectionSetNode | None) -> _Size:
        depth = aliases = 0
        for selection in selected.selections if selected else ():
            if isinstance(selection, FragmentSpreadNode):
                inner = self._of_fragment(selection.name.value)
            else:
                inner = self.of(getattr(selection, "selection_set", None))
            if isinstance(selection, FieldNode):
                # Introspection nests deep; graphql-core has a rule of its own for it.
                introspective = selection.name.value.startswith("__")
                level = 0 if introspective else inner.depth + 1
                inner = _Size(level, inner.aliases + (selection.alias is not None))
            depth, aliases = max(depth, inner.depth), aliases + inner.aliases
        return _Size(depth, aliases)

    def _of_fragment(self, name: str) -> _Size:
        if name not in self._known:
            self._known[name] = _Size()
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set if fragment else None)
        return self._known[name]


class SizeRule(ValidationRule):
    """Refuses operations that are too deep or have too many aliases."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        measure = _Measure(context.document)
        for operation in context.document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                size = measure.of(operation.selection_set)
                self._refuse("levels", size.depth, DEEPEST)
                self._refuse("aliases", size.aliases, MOST_ALIASES)

    def _refuse(self, what: str, found: int, most: int) -> None:
        if found > most:
            message = f"The query has {found} {what}; {most} are allowed. Ask in several queries."
            self.report_error(GraphQLError(message, extensions={"code": "INVALID"}))


class Limits(SchemaExtension):
    """Puts the limits in force."""

    def on_operation(self) -> Iterator[None]:
        execution = self.execution_context
        execution.parse_options["max_tokens"] = MOST_TOKENS
        execution.validation_rules = (*execution.validation_rules, SizeRule)
        yield
