"""How large a query may be: 12 levels, 30 aliases, 500 selections, 2,000 tokens.

Checked before validation, whose own rules take time that grows with the square of what is selected.
Fragments count wherever they are spread, and each is measured once: counting them anew at every
spread takes time that doubles with each fragment that spreads another one twice.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)

DEEPEST, MOST_ALIASES, MOST_SELECTIONS, MOST_TOKENS = 12, 30, 500, 2_000


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    aliases: int = 0


class _Measure:
    """Sizes of selection sets; a fragment that spreads itself is another rule's business.

    `selections` counts each one that is written, once."""

    def __init__(self, document: DocumentNode) -> None:
        self.selections = 0
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, _Size] = {}

    def of(self, selected: SelectionSetNode | None) -> _Size:
        depth = aliases = 0
        for selection in selected.selections if selected else ():
            self.selections += 1
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

    def of_unused_fragments(self) -> None:
        """Validation looks at those as well."""
        for name in self._fragments:
            self._of_fragment(name)

    def _of_fragment(self, name: str) -> _Size:
        if name not in self._known:
            self._known[name] = _Size()
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set if fragment else None)
        return self._known[name]


def too_large(document: DocumentNode) -> list[GraphQLError]:
    """Why the document is too large; nothing when it is not."""
    measure, errors = _Measure(document), []
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            size = measure.of(operation.selection_set)
            errors += _refused("levels", size.depth, DEEPEST)
            errors += _refused("aliases", size.aliases, MOST_ALIASES)
    measure.of_unused_fragments()
    return errors + _refused("selections", measure.selections, MOST_SELECTIONS)


def _refused(what: str, found: int, most: int) -> list[GraphQLError]:
    if found <= most:
        return []
    message = f"The query has {found} {what}; {most} are allowed. Ask in several queries."
    return [GraphQLError(message, extensions={"code": "INVALID"})]
