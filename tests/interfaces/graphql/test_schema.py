"""The schema as a contract: checked in, and true to the conventions."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_introspection_query, get_named_type
from strawberry import Schema

from interfaces.graphql.print_schema import schema_text
from tests.interfaces.graphql.client import Client

CHECKED_IN = Path(__file__).parents[3] / "schema.graphql"


@pytest.fixture
def core(schema: Schema) -> GraphQLSchema:
    return schema._schema


def test_schema_graphql_is_what_is_served() -> None:
    again = "run: python -m interfaces.graphql.print_schema > schema.graphql"
    assert CHECKED_IN.read_text() == schema_text(), again


def test_every_mutation_answers_with_a_position_and_user_errors(core: GraphQLSchema) -> None:
    assert core.mutation_type is not None
    for name, field in core.mutation_type.fields.items():
        payload: Any = get_named_type(field.type)
        assert {"eventPosition", "userErrors"} <= payload.fields.keys(), name


def test_every_mutation_that_creates_takes_an_idempotency_key(core: GraphQLSchema) -> None:
    assert core.mutation_type is not None
    creating = (
        "Register",
        "Define",
        "Issue",
        "Invite",
        "Optimize",
        "Benchmark",
        "Reproduce",
        "Send",
        "Draft",
    )
    for name, field in core.mutation_type.fields.items():
        assert ("idempotencyKey" in field.args) == name.endswith(creating), name


def test_every_connection_is_paged_from_both_ends(core: GraphQLSchema) -> None:
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    assert {"first", "last", "after", "before"} <= field.args.keys(), name


def test_every_subscription_takes_a_position(core: GraphQLSchema) -> None:
    assert core.subscription_type is not None
    for name, field in core.subscription_type.fields.items():
        assert "after" in field.args, name


async def test_tools_can_still_read_the_whole_schema(ours: Client) -> None:
    asked = await ours.ask(get_introspection_query(descriptions=True, input_value_deprecation=True))
    assert not asked.errors
