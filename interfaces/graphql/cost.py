"""What an operation costs, known before it runs: page size × depth.

Every object that may be in the answer costs 1, plain fields cost nothing. A connection costs its
`first` or `last` times what one of its items costs, and so on inwards. A list without a page size
counts as 10 objects. On top, a query costs 1, every mutation field 10, a subscription 10 when it
starts, an object of the past (`asOf`) 10, and introspection 50. A mutation of many objects costs as
much as one mutation of each.

Page sizes come from literals, from variables and from their defaults; one that is missing or out of
range counts as the nearest that is allowed, since its resolver refuses it anyway. Fragments count
wherever they are spread and are worked out once for each page size. `@skip` and `@include` are not
looked at: the cost is the most that the operation can be.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from interfaces.graphql.paging import MOST

QUERY, MUTATION, SUBSCRIPTION, PAST, INTROSPECTION = 1, 10, 10, 10, 50
ASSUMED_LIST = 10
LARGEST = 2**53
"""What a client can read as a number; a cost beyond it is told as this."""

_PAGE = ("first", "last")
_ITEMS = ("nodes", "edges", "items")
_LISTS = ("ids", "modelIds")
"""Arguments that name as many objects as the field answers with, or works on."""


class Cost:
    """The costs of one document's operations, worked out once for each set of page sizes."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema, self._document = schema, document
        self._sized_by: dict[int, tuple[str, ...]] = {}
        self._known: dict[tuple[Any, ...], int] = {}

    def of(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        given = _defaults(operation) | dict(variables)
        names = self._sized_by.get(id(operation))
        if names is not None:
            key = (id(operation), *(_count(given.get(name)) for name in names))
            if key in self._known:
                return self._known[key]
        counting = _Counting(self._schema, self._document, given)
        cost = min(LARGEST, counting.of_operation(operation))
        self._sized_by[id(operation)] = names = tuple(sorted(counting.used))
        if len(self._known) > MOST:
            self._known.clear()
        self._known[(id(operation), *(_count(given.get(name)) for name in names))] = cost
        return cost


class _Counting:
    """One walk over an operation; `used` are the variables that page sizes came from."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
    ) -> None:
        self._schema, self._variables = schema, variables
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._spread: dict[tuple[str, int | None], int] = {}
        self.used: set[str] = set()

    def of_operation(self, operation: OperationDefinitionNode) -> int:
        root = self._schema.get_root_type(operation.operation)
        inner = self._selected(operation.selection_set, root, None)
        if operation.operation is OperationType.MUTATION:
            return inner
        return inner + (
            SUBSCRIPTION if operation.operation is OperationType.SUBSCRIPTION else QUERY
        )

    def _selected(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None, page: int | None
    ) -> int:
        total = 0
        for selection in selected.selections if selected else ():
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent, page)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value, page)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                type_ = self._schema.get_type(condition.name.value) if condition else parent
                total += self._selected(selection.selection_set, type_, page)
        return total

    def _fragment(self, name: str, page: int | None) -> int:
        key = (name, page)
        if key not in self._spread:
            self._spread[key] = 0
            fragment = self._fragments.get(name)
            if fragment is not None:
                type_ = self._schema.get_type(fragment.type_condition.name.value)
                self._spread[key] = self._selected(fragment.selection_set, type_, page)
        return self._spread[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int | None) -> int:
        name = node.name.value
        if name.startswith("__"):
            return 0 if name == "__typename" else INTROSPECTION
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        field = parent.fields.get(name)
        if field is None:
            return 0
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        own = 0
        if parent is self._schema.mutation_type:
            own = MUTATION * (self._named(arguments) or 1)
        if "asOf" in arguments:
            own += PAST
        type_ = get_named_type(field.type)
        if is_leaf_type(type_):
            return own
        inner = 1 + self._selected(node.selection_set, type_, self._page(field, arguments))
        return own + self._objects(field, name, arguments, page) * inner

    def _objects(
        self, field: GraphQLField, name: str, arguments: Mapping[str, ValueNode], page: int | None
    ) -> int:
        """How many objects the field may answer with, for one of its parents."""
        if not is_list_type(get_nullable_type(field.type)):
            return 1
        if page is not None and name in _ITEMS:
            return page
        named = self._named(arguments)
        return ASSUMED_LIST if named is None else named

    def _named(self, arguments: Mapping[str, ValueNode]) -> int | None:
        """How many objects the arguments name; None where they do not say."""
        return next((self._size(arguments[name]) for name in _LISTS if name in arguments), None)

    def _page(self, field: GraphQLField, arguments: Mapping[str, ValueNode]) -> int | None:
        """The page size that a connection's items are counted by."""
        if not field.args.keys() & set(_PAGE):
            return self._named(arguments)
        sizes = [self._size(arguments[name]) for name in _PAGE if name in arguments]
        given = [size for size in sizes if size]
        return max(given, default=MOST)

    def _size(self, value: ValueNode) -> int:
        if isinstance(value, VariableNode):
            self.used.add(value.name.value)
            return _count(self._variables.get(value.name.value))
        if isinstance(value, IntValueNode):
            return _count(_whole(value))
        return _count([None] * len(value.values)) if isinstance(value, ListValueNode) else 0


def _count(value: object) -> int:
    """A page size or a list as a number of objects, 1 to 100; 0 for null."""
    if value is None:
        return 0
    if isinstance(value, list):
        return min(max(1, len(value)), MOST)
    number = value if isinstance(value, int | float) else MOST
    return int(min(max(1, number), MOST))


def _whole(value: IntValueNode) -> int:
    """A literal has as many digits as its author likes, and Python converts only so many."""
    return MOST if len(value.value) > len(str(LARGEST)) else int(value.value)


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The defaults that page sizes and lists may have."""
    found: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        default = definition.default_value
        if isinstance(default, IntValueNode):
            found[definition.variable.name.value] = _whole(default)
        elif isinstance(default, ListValueNode):
            found[definition.variable.name.value] = [None] * len(default.values)
    return found
