"""Every text argument of the whole schema is given hostile texts: the answer is right or a refusal.

The schema is walked, so a new field is tried without anybody thinking of it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.type import GraphQLInputField

from interfaces.graphql.schema import make_schema
from tests.interfaces.http.serving import Served

HOSTILE = [
    "", " ", "'", '"', "' OR '1'='1", "'; DROP TABLE models; --", "\\", "%", "_%", "{{7*7}}",
    "${7*7}", "<%= 7*7 %>", "#{7*7}", "%s%s%n", "{0.__class__}", "../../etc/passwd", "C:\\x", "\0",
    "a\0b", "\x1b[31m", "\r\nSet-Cookie: a=b", "\u202e", "\ufeff", "🏃" * 50, "é", "e\u0301",
    "<script>alert(1)</script>", "null", "-1", "1e999", "=1+1", "a" * 20_000, "\u2028", "$(id)",
    "`id`", "| id", "__proto__", "00000000-0000-0000-0000-000000000000", "TW9kZWw6JyBPUiAx",
]  # fmt: skip
"""Lone surrogates never arrive: the JSON that would carry them is refused as a body."""

CORE: GraphQLSchema = make_schema()._schema
TEXTS = ("String", "ID", "JSON", "DateTime")


def value_of(type_: Any, hostile: str) -> Any:
    """A value of an input type whose texts are all hostile."""
    if is_list_type(getattr(type_, "of_type", None)) or is_list_type(type_):
        return [value_of(get_named_type(type_), hostile)]
    named = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if isinstance(named, GraphQLInputObjectType):
        return {
            name: value_of(field.type, hostile)
            for name, field in named.fields.items()
            if is_required_input_field(field) or has_text(field)
        }
    return {"Int": 1, "BigInt": 1, "Float": 1.0, "Boolean": True}.get(named.name, hostile)


def has_text(argument: GraphQLArgument | GraphQLInputField) -> bool:
    named = get_named_type(argument.type)
    if isinstance(named, GraphQLInputObjectType):
        return any(has_text(field) for field in named.fields.values())
    return is_leaf_type(named) and named.name in TEXTS


def operations() -> Iterator[tuple[str, str, GraphQLField]]:
    for kind, root in (("query", CORE.query_type), ("mutation", CORE.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if any(has_text(argument) for argument in field.args.values()):
                yield kind, name, field


OPERATIONS = list(operations())


def document(kind: str, name: str, field: GraphQLField, wanted: list[str]) -> str:
    declared = ", ".join(f"${one}: {field.args[one].type}" for one in wanted)
    given = ", ".join(f"{one}: ${one}" for one in wanted)
    named = get_named_type(field.type)
    selected = ""
    if isinstance(named, GraphQLObjectType) and "userErrors" in named.fields:
        selected = "{ userErrors { code field message } }"
    elif not is_leaf_type(named):
        selected = "{ __typename }"
    return f"{kind} ({declared}) {{ {name}({given}) {selected} }}"


def test_the_walk_finds_the_arguments() -> None:
    names = {name for _, name, _ in OPERATIONS}
    assert {"model", "models", "node", "modelRegister", "modelOptimize", "apiKeyIssue"} <= names
    assert len(OPERATIONS) >= 30


@pytest.mark.parametrize(
    ("kind", "name", "field"), OPERATIONS, ids=[name for _, name, _ in OPERATIONS]
)
def test_every_text_is_refused_or_kept_as_it_is(
    server: Served, kind: str, name: str, field: GraphQLField
) -> None:
    texts = [one for one, argument in field.args.items() if has_text(argument)]
    required = [one for one, argument in field.args.items() if is_required_argument(argument)]
    paging = ["first"] if "first" in field.args and "first" not in required else []
    for hostile in HOSTILE:
        for target in (texts, *([one] for one in texts if len(texts) > 1)):
            wanted = list(dict.fromkeys([*target, *required, *paging]))
            variables = {one: value_of(field.args[one].type, hostile) for one in wanted}
            query = document(kind, name, field, wanted)
            answer = server.http.post("/graphql", json={"query": query, "variables": variables})
            assert answer.status_code in (200, 429), (hostile, answer.text)
            assert "INTERNAL" not in answer.text, (query, hostile, answer.text[:500])
            assert "49" not in str(answer.json().get("data")), (hostile, answer.text)


def test_a_name_is_kept_as_it_is_or_refused(server: Served) -> None:
    """What is stored is read back unchanged, and finds itself alone."""
    query = """mutation ($n: String!) { modelRegister(name: $n) {
        model { id name } userErrors { code field } eventPosition } }"""
    for hostile in HOSTILE:
        payload = server.ask(query, n=f"x{hostile}")["data"]["modelRegister"]
        if payload["userErrors"]:
            assert payload["userErrors"][0]["field"] == "name"
            continue
        name = payload["model"]["name"]
        found = server.ask(
            "query ($n: String!, $p: BigInt) { model(name: $n, waitFor: $p) { id name } }",
            n=name,
            p=payload["eventPosition"],
        )
        assert found["data"]["model"] == {"id": payload["model"]["id"], "name": name}


def test_a_search_takes_percent_and_underscore_literally(server: Served) -> None:
    for pattern in ("%", "_", "\\", "%%", "x%"):
        query = "query ($t: String) { models(first: 100, nameContains: $t) { nodes { name } } }"
        found = server.ask(query, t=pattern)["data"]["models"]["nodes"]
        assert all(pattern in one["name"].lower() for one in found)
