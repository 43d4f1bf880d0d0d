"""Queries that are too large, too deep or not even text are refused, fast and by name."""

import pytest

from tests.interfaces.graphql.client import Client

INTERNAL = "INTERNAL"


async def test_twelve_levels_are_allowed_and_no_more(ours: Client) -> None:
    """Nothing in the schema nests as deep yet, so other rules refuse these queries too."""

    async def refusals(levels: int) -> list[str]:
        nested = "".join("{ deeper " for _ in range(levels - 1)) + "}" * (levels - 1)
        asked = await ours.ask("{ viewer " + nested + " }")
        return [error["message"] for error in asked.errors if "levels" in error["message"]]

    assert await refusals(12) == []
    assert await refusals(13) == [
        "The query has 13 levels; 12 are allowed. Ask in several queries."
    ]


async def test_introspection_does_not_nest_without_end(ours: Client) -> None:
    nested = "fields { type { " * 8 + "name" + " } }" * 8
    assert (await ours.ask("{ __schema { types { " + nested + " } } }")).errors


async def test_thirty_aliases_are_allowed_and_no_more(ours: Client) -> None:
    fields = [f"v{number}: viewer {{ actor }}" for number in range(31)]
    assert not (await ours.ask("{ " + " ".join(fields[:30]) + " }")).errors
    assert "31 aliases" in (await ours.ask("{ " + " ".join(fields) + " }")).errors[0]["message"]


async def test_aliases_in_fragments_count_wherever_they_are_spread(ours: Client) -> None:
    aliases = " ".join(f"a{number}: actor" for number in range(16))
    query = "{ x: viewer { ...F } y: viewer { ...F } } fragment F on Viewer { " + aliases + " }"
    assert "34 aliases" in (await ours.ask(query)).errors[0]["message"]


async def test_two_thousand_tokens_are_allowed_and_no_more(ours: Client) -> None:
    def listing(count: int) -> str:
        return "{ artifacts(ids: [" + '"x" ' * count + "]) { id } }"

    assert "50 artifacts" in (await ours.ask(listing(1_980))).errors[0]["message"]
    assert "2000 tokens" in (await ours.ask(listing(2_000))).errors[0]["message"]


async def test_fragments_that_double_each_other_cost_no_time(ours: Client) -> None:
    """Measured naively, 100 such fragments would take 2^100 steps: it would never end."""
    fragments = [f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100)] + [
        "fragment F100 on Viewer { actor }"
    ]
    await ours.ask("{ viewer { ...F0 } } " + " ".join(fragments))


async def test_fragments_that_double_each_other_cost_no_time_with_wait_for(ours: Client) -> None:
    position = (await ours.register("digits"))["eventPosition"]
    fragments = [f"fragment F{n} on Model {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100)] + [
        "fragment F100 on Model { id }"
    ]
    query = "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { ...F0 } } } "
    asked = await ours.ask(query + " ".join(fragments), p=position)
    assert not asked.errors


async def test_a_fragment_that_spreads_itself_is_refused(ours: Client) -> None:
    asked = await ours.ask("{ viewer { ...F } } fragment F on Viewer { actor ...F }")
    assert "itself" in asked.errors[0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "}" * 100,
        "{" * 1_900,
        "{ a " * 600,
        "{ viewer " * 600 + " }" * 600,
        "\0",
        '{ viewer { actor(x: "\ud800") } }',
        "{ model(id: 1e999) { id } }",
        "query ($x: [[[[[[String]]]]]]) { viewer { actor } }",
        "mutation { nothing }",
        '{ __type(name: "\\u0000") { name } }',
    ],
)
async def test_what_is_no_query_is_told_so_and_is_not_our_fault(ours: Client, query: str) -> None:
    asked = await ours.ask(query)
    for error in asked.errors:
        assert error.get("extensions", {}).get("code") != INTERNAL, error
        assert "recursion" not in error["message"]
