"""What operations cost, by page size × depth, before anything runs."""

from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from interfaces.graphql.caching import Documents
from interfaces.graphql.cost import LARGEST, Cost

ITEM = "nodes { id }"


@pytest.fixture
def documents() -> Documents:
    return Documents()


def cost(documents: Documents, schema: Schema, query: str, **variables: Any) -> int:
    document = documents.read(schema._schema, query)
    assert not document.errors, document.errors
    operation = document.operation(None)
    assert operation is not None
    return document.cost.of(operation, variables)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 1),
        ("{ viewer { actor } }", 2),
        ("{ models(first: 10) { nodes { id name } } }", 1 + 1 + 10),
        ("{ models(last: 10) { nodes { id } } }", 12),
        ("{ models(first: 10) { edges { cursor node { id } } } }", 1 + 1 + 10 * 2),
        ("{ models(first: 10) { nodes { id } edges { cursor } pageInfo { endCursor } } }", 23),
        (
            "{ models(first: 10) { nodes { artifacts(first: 5) { nodes { id } } } } }",
            1 + 1 + 10 * (1 + 1 + 5),
        ),
        ("{ models(first: 10) { nodes { aliases { name } } } }", 1 + 1 + 10 * (1 + 10)),
        ('{ artifacts(ids: ["a", "b", "c"]) { id } }', 1 + 3),
        ("{ a: viewer { actor } b: viewer { actor } }", 3),
        ('{ model(id: "x", asOf: {position: 1}) { id } }', 1 + 10 + 1),
        ("{ __schema { types { name } } }", 51),
        ("{ events(first: 7) { nodes { position } } }", 1 + 1 + 7),
        ('mutation { modelDelete(modelId: "x") { userErrors { code } } }', 10 + 1 + 10),
        ("subscription { eventsAppended { position } }", 10 + 1),
        ("{ models(first: 10) { ...F } } fragment F on ModelConnection { nodes { id } }", 12),
        ("{ models(first: 10) { ... on ModelConnection { nodes { id } } } }", 12),
        ("{ node(id: \"x\") { ... on Model { aliases { name } } ... on Job { id } } }", 1 + 1 + 10),
    ],
)  # fmt: skip
def test_an_operation_costs(
    documents: Documents, schema: Schema, query: str, expected: int
) -> None:
    assert cost(documents, schema, query) == expected


@pytest.mark.parametrize(
    ("variables", "size"),
    [({}, 20), ({"n": 7}, 7), ({"n": -5}, 1), ({"n": 10**30}, 100), ({"n": "x"}, 100),
     ({"n": 1e400}, 100), ({"n": None}, 100), ({"n": float("nan")}, 1), ({"n": True}, 1)],
)  # fmt: skip
def test_a_page_size_may_be_a_variable(
    documents: Documents, schema: Schema, variables: dict[str, Any], size: int
) -> None:
    query = "query ($n: Int = 20) { models(first: $n) { nodes { id } } }"
    for _ in range(2):
        assert cost(documents, schema, query, **variables) == 2 + size


def test_a_list_of_ids_may_be_a_variable(documents: Documents, schema: Schema) -> None:
    query = "query ($ids: [ID!]!) { artifacts(ids: $ids) { id } }"
    assert cost(documents, schema, query, ids=["a"] * 30) == 31
    assert cost(documents, schema, query, ids=["a"] * 3) == 4


def test_a_size_of_many_digits_counts_as_the_largest(documents: Documents, schema: Schema) -> None:
    for digits in (10, 100, 500):
        query = "query ($n: Int = " + "9" * digits + ") { models(first: $n) { nodes { id } } }"
        operation = documents.read(schema._schema, query).operation(None)
        assert operation is not None
        assert Cost(schema._schema, parse(query)).of(operation, {}) == 102


def test_fragments_that_double_each_other_cost_no_time(
    documents: Documents, schema: Schema
) -> None:
    """Counted naively, 2^90 steps: it would never end."""
    fragments = [f"fragment F{n} on Model {{ ...F{n + 1} ...F{n + 1} }}" for n in range(90)]
    last = "fragment F90 on Model { artifacts(first: 100) { nodes { id } } }"
    query = "{ models(first: 100) { nodes { ...F0 } } } " + " ".join([*fragments, last])
    assert cost(documents, schema, query) == LARGEST


def test_documents_are_kept_by_the_length_of_their_texts(
    documents: Documents, schema: Schema
) -> None:
    for number in range(300):
        documents.read(schema._schema, "{ viewer { actor } } #" + str(number) + "x" * 10_000)
    assert len(documents) <= 25
    documents.read(schema._schema, "{ viewer { actor } } #" + "x" * 100_000)
    assert len(documents) <= 25
