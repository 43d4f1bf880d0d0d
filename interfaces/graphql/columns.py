"""Answering plain values column by column instead of field by field.

Most of an answer is attributes of objects that are at hand: no resolver runs, nothing is awaited.
graphql-core still calls half a dozen functions for each. Here the fields of a selection are planned
once, and a list of objects is read one attribute at a time for all of them.

The rule that keeps this true: only what is plain beyond doubt is answered here. At the least doubt
(a null where there must be none, an exception, a subclass, a number out of range) `NotPlain` is
raised, nothing of the column is kept, and graphql-core does it all anew and tells the error.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isfinite
from operator import attrgetter
from typing import Any, TypeAlias

import orjson
from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.field import StrawberryField

Values: TypeAlias = Sequence[Any]
Reader: TypeAlias = Callable[[Values], list[Any]]
"""Completes a column of values. Raises NotPlain, or whatever the values raise."""
Typed: TypeAlias = Callable[[Values, set[type]], list[Any]]
"""The same for values that are not null, whose types are known."""
SubPlan: TypeAlias = Callable[[GraphQLObjectType], "Columns | None"]
"""Plans the fields selected of an object type; None where some of them are not plain."""

_NONE = type(None)
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


class NotPlain(Exception):
    """graphql-core has to complete these values."""


class Columns:
    """What is selected of one object type: the names in their order, and how each is read."""

    __slots__ = ("_constant", "_names", "_origin", "_readers")

    def __init__(self, object_type: GraphQLObjectType) -> None:
        definition = object_type.extensions.get("strawberry-definition")
        self._origin: type | None = getattr(definition, "origin", None)
        self._names: list[str] = []
        self._readers: list[tuple[Callable[[Any], Any] | None, Reader]] = []

    def add(self, name: str, attribute: str, reader: Reader) -> None:
        self._names.append(name)
        self._readers.append((attrgetter(attribute), reader))

    def add_constant(self, name: str, value: str) -> None:
        self._names.append(name)
        self._readers.append((None, lambda objects: [value] * len(objects)))

    def of(self, objects: Values) -> list[dict[str, Any]]:
        """The objects as they are answered. Raises NotPlain."""
        if set(map(type, objects)) - {self._origin}:
            raise NotPlain
        columns = [
            reader(objects if get is None else list(map(get, objects)))
            for get, reader in self._readers
        ]
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(self._names)


def attribute_of(field: GraphQLField) -> str | None:
    """The attribute that a field without a resolver shows; None for any other field."""
    if not getattr(field.resolve, "_is_default", False) or field.args:
        return None
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or definition.default_resolver is not getattr:
        return None
    return definition.python_name


def reader_of(type_: GraphQLOutputType, sub_plan: SubPlan) -> Reader | None:
    """How a column of this type is completed; None where graphql-core must."""
    if is_non_null_type(type_):
        typed = _typed(type_.of_type, sub_plan)
        return None if typed is None else _never_null(typed)
    typed = _typed(type_, sub_plan)
    return None if typed is None else _nullable(typed)


def _typed(type_: GraphQLOutputType, sub_plan: SubPlan) -> Typed | None:
    if is_leaf_type(type_):
        return _leaf(type_)
    if is_list_type(type_):
        item = reader_of(type_.of_type, sub_plan)
        return None if item is None else _list(item)
    columns = sub_plan(type_) if is_object_type(type_) else None
    return None if columns is None else lambda values, types: columns.of(values)


def _never_null(typed: Typed) -> Reader:
    def read(values: Values) -> list[Any]:
        types = set(map(type, values))
        if _NONE in types:
            raise NotPlain
        return typed(values, types)

    return read


def _nullable(typed: Typed) -> Reader:
    def read(values: Values) -> list[Any]:
        types = set(map(type, values))
        if _NONE not in types:
            return typed(values, types)
        there = iter(typed([value for value in values if value is not None], types - {_NONE}))
        return [None if value is None else next(there) for value in values]

    return read


def _list(item: Reader) -> Typed:
    """All items of all lists are one column."""

    def read(values: Values, types: set[type]) -> list[Any]:
        if types - {list, tuple}:
            raise NotPlain
        completed = iter(item([value for listed in values for value in listed]))
        return [[next(completed) for _ in listed] for listed in values]

    return read


def _leaf(type_: GraphQLLeafType) -> Typed:
    if isinstance(type_, CustomGraphQLEnumType):
        return _enum(type_)
    if type_ in (GraphQLString, GraphQLID):
        return _unchanged({str})
    if type_ is GraphQLBoolean:
        return _unchanged({bool})
    if type_ is GraphQLInt:
        return _unchanged({int}, lambda value: _SMALLEST <= value <= _LARGEST)
    if type_ is GraphQLFloat:
        return _unchanged({float}, isfinite)
    if type_.name == "BigInt":
        return _unchanged({int})
    if type_.name == "DateTime":
        return _date_time
    return _by_type(type_)


def _unchanged(allowed: set[type], within: Callable[[Any], bool] | None = None) -> Typed:
    def read(values: Values, types: set[type]) -> list[Any]:
        if types - allowed or (within is not None and not all(map(within, values))):
            raise NotPlain
        return list(values)

    return read


def _enum(type_: CustomGraphQLEnumType) -> Typed:
    names: dict[Any, str] = {
        type_.wrapped_cls(value.value): name for name, value in type_.values.items()
    }

    def read(values: Values, types: set[type]) -> list[Any]:
        if types - {type_.wrapped_cls}:
            raise NotPlain
        return [names[value] for value in values]

    return read


def _date_time(values: Values, types: set[type]) -> list[Any]:
    """orjson writes a time in UTC as `isoformat` does, and a whole column in one go."""
    if types - {datetime}:
        raise NotPlain
    if not values or any(value.tzinfo is not UTC for value in values):
        return [value.isoformat() for value in values]
    return orjson.dumps(values).decode()[2:-2].split('","')


def _by_type(type_: GraphQLLeafType) -> Typed:
    """Any other scalar, by its own rule."""
    complete = type_.coerce_output_value

    def read(values: Values, types: set[type]) -> list[Any]:
        if any(issubclass(found, Exception) or hasattr(found, "__await__") for found in types):
            raise NotPlain
        completed = [complete(value) for value in values]
        if any(value is None or value is Undefined for value in completed):
            raise NotPlain
        return completed

    return read
