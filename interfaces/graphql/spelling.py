"""How the schema spells the input at fault: the path to it, from a mutation's arguments on.

A command names its inputs in its own words, `components.0.artifact_id`; who asked knows arguments
and their input objects, `release.components.0.artifactId`.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
)
from strawberry.utils.str_converters import to_camel_case

_Inputs = Mapping[str, GraphQLArgument | GraphQLInputField]


def spelled(field: str | None, arguments: Mapping[str, GraphQLArgument]) -> str | None:
    """`id` is the mutation's own id argument. What is no argument is looked for in the arguments
    that are objects, nearest first; what is not there either belongs to the only one of them."""
    if field is None:
        return None
    first, *rest = field.split(".")
    if first == "id" and "id" not in arguments:
        first = next((name for name in arguments if name.endswith("Id")), first)
    path = _found(to_camel_case(first), arguments)
    if path is None:
        objects = [name for name, one in arguments.items() if _object(one.type)]
        return f"{objects[0]}.{field}" if len(objects) == 1 else field
    return ".".join(_followed([*path, *rest], arguments))


def _found(name: str, arguments: Mapping[str, GraphQLArgument]) -> tuple[str, ...] | None:
    level: list[tuple[tuple[str, ...], _Inputs]] = [((), arguments)]
    seen: set[str] = set()
    while level:
        deeper: list[tuple[tuple[str, ...], _Inputs]] = []
        for path, inputs in level:
            if name in inputs:
                return (*path, name)
            for outer, one in inputs.items():
                inner = _object(one.type)
                if inner is not None and inner.name not in seen:
                    seen.add(inner.name)
                    deeper.append(((*path, outer), inner.fields))
        level = deeper
    return None


def _followed(path: list[str], inputs: _Inputs) -> list[str]:
    """The same path; names that the schema knows as it spells them, other members as they are."""
    told = []
    for part in path:
        name = to_camel_case(part)
        if name in inputs:
            told.append(name)
            inner = get_named_type(inputs[name].type)
            inputs = inner.fields if isinstance(inner, GraphQLInputObjectType) else {}
        else:
            told.append(part)
            inputs = inputs if part.isdigit() else {}
    return told


def _object(type_: Any) -> GraphQLInputObjectType | None:
    """What is one object; a list of them has members by number alone."""
    one = get_nullable_type(type_)
    return one if isinstance(one, GraphQLInputObjectType) else None
