"""Every GraphQL document of the CLI is valid against the server's schema."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from interfaces.cli import queries

SCHEMA = Path(__file__).parents[3] / "schema.graphql"


def documents() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(queries.__path__):
        held = vars(importlib.import_module(f"{queries.__name__}.{module.name}"))
        for name, value in held.items():
            if name.isupper() and isinstance(value, str) and not name.endswith("_FIELDS"):
                yield f"{module.name}.{name}", value


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text())


@pytest.mark.parametrize(("name", "document"), list(documents()))
def test_a_document_is_valid(schema: GraphQLSchema, name: str, document: str) -> None:
    assert validate(schema, parse(document)) == []


def test_every_document_has_a_name_for_the_logs() -> None:
    assert all(
        definition.name is not None
        for _, document in documents()
        for definition in parse(document).definitions
    )
