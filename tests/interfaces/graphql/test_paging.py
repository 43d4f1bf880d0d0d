"""Lists are newest first, in pages of 1 to 100, and stay right while things are added."""

from typing import Any

import pytest

from tests.interfaces.graphql.client import Client

MODELS = """query ($first: Int, $last: Int, $after: String, $before: String) {
  models(first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "first"),
        ({"first": 0}, "first"),
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"first": 2**31 - 1}, "first"),
        ({"last": 0}, "last"),
        ({"last": -(2**31)}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"first": 1, "after": ""}, "after"),
        ({"first": 1, "after": "x" * 10_000}, "after"),
        ({"first": 1, "after": "cC0x"}, "after"),
        ({"first": 1, "before": "\0"}, "before"),
        ({"first": 1, "before": "cDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}, "before"),
    ],
)
async def test_paging_that_cannot_be_is_refused_by_name(
    ours: Client, arguments: dict[str, Any], field: str
) -> None:
    asked = await ours.ask(MODELS, **arguments)
    assert asked.code == "INVALID"
    assert asked.errors[0]["extensions"]["field"] == field


@pytest.mark.parametrize("huge", [2**31, 2**63, 10**40, 1.5, "1", True])
async def test_a_number_that_is_no_int_is_refused_by_name(ours: Client, huge: object) -> None:
    asked = await ours.ask(MODELS, first=huge)
    assert "first" in asked.errors[0]["message"]
    assert asked.errors[0].get("extensions", {}).get("code") != "INTERNAL"


async def test_pages_forward_and_backward_hold_everything_once(ours: Client) -> None:
    for number in range(5):
        await ours.register(f"m{number}")
    newest_first = ["m4", "m3", "m2", "m1", "m0"]
    assert await _walk(ours, "first", "after", "endCursor", "hasNextPage") == newest_first
    backward = await _walk(ours, "last", "before", "startCursor", "hasPreviousPage")
    assert backward == ["m1", "m0", "m3", "m2", "m4"]


async def test_a_page_stays_where_it_was_when_something_is_added(ours: Client) -> None:
    for name in ("a", "b", "c"):
        await ours.register(name)
    first = await ours.data(MODELS, first=2)
    await ours.register("d")
    rest = await ours.data(MODELS, first=2, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["name"] for edge in rest["edges"]] == ["a"]


async def test_a_list_below_a_list_is_one_query_for_all(
    ours: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "d"):
        model, artifact = await ours.model_with_source(name)
        await ours.data(ALIAS, model=model, artifact=artifact)
    from infrastructure.postgres.reads import PostgresTenantReads

    fetched: list[object] = []
    fetch = PostgresTenantReads._fetch

    async def counted(self: PostgresTenantReads, statement: Any, values: Any) -> Any:
        fetched.append(statement)
        return await fetch(self, statement, values)

    monkeypatch.setattr(PostgresTenantReads, "_fetch", counted)
    models = await ours.data(
        "{ models(first: 10) { nodes { source { id benchmark { p50Ms } }"
        " artifacts(first: 5) { nodes { benchmark { p50Ms } } }"
        " aliases { artifact { id } } jobs(first: 3) { nodes { id progress { percent } } } } } }"
    )
    assert len(models["nodes"]) == 4
    assert len(fetched) <= 8, fetched


ALIAS = """mutation ($model: ID!, $artifact: ID!) {
  modelAliasMove(modelId: $model, alias: "production", artifactId: $artifact) {
    userErrors { message }
  }
}"""


async def _walk(client: Client, count: str, bound: str, cursor: str, more: str) -> list[str]:
    names: list[str] = []
    place = None
    while True:
        page = await client.data(MODELS, **{count: 2, bound: place})
        names += [edge["node"]["name"] for edge in page["edges"]]
        place = page["pageInfo"][cursor]
        if not page["pageInfo"][more]:
            return names
