"""Many models in one mutation: each request is granted or refused by itself."""

from typing import Any

from domain.principal import Role
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

OPTIMIZE = """mutation ($models: [ID!]!, $key: String, $input: OptimizeInput! = {}) {
  modelsOptimize(modelIds: $models, input: $input, idempotencyKey: $key) {
    items { modelId job { id status modelId } userErrors { field message code } }
    eventPosition userErrors { field message code }
  }
}"""


async def models(client: Client, count: int) -> list[str]:
    return [(await client.model_with_source(f"model {number}"))[0] for number in range(count)]


async def optimize(client: Client, ids: list[str], key: str | None = None, **given: Any) -> Any:
    return await client.data(OPTIMIZE, models=ids, key=key, input=given)


async def test_each_model_gets_its_job_in_the_order_of_the_models(world: World) -> None:
    ids = await models(world.ours, 3)
    payload = await optimize(world.ours, [*reversed(ids), ids[0]])
    assert [one["modelId"] for one in payload["items"]] == list(reversed(ids))
    assert [one["job"]["modelId"] for one in payload["items"]] == list(reversed(ids))
    assert payload["userErrors"] == []
    assert payload["eventPosition"] > 0


async def test_what_is_refused_for_one_model_leaves_the_others_alone(world: World) -> None:
    (good,) = await models(world.ours, 1)
    empty = (await world.ours.register("empty"))["model"]["id"]
    (foreign,) = await models(world.theirs, 1)
    payload = await optimize(world.ours, [empty, good, foreign], passes=["GRAPH"])
    codes = [[error["code"] for error in one["userErrors"]] for one in payload["items"]]
    assert codes == [["INVALID_STATE"], [], ["NOT_FOUND"]]
    assert [one["job"] is None for one in payload["items"]] == [True, False, True]
    assert payload["items"][2]["userErrors"][0]["field"] == "modelId"


async def test_the_same_batch_again_makes_nothing_new_and_a_larger_one_what_is_missing(
    world: World,
) -> None:
    ids = await models(world.ours, 3)
    first = await optimize(world.ours, ids[:2], "k")
    again = await optimize(world.ours, ids, "k")
    made = [one["job"]["id"] for one in first["items"]]
    assert [one["job"]["id"] for one in again["items"]][:2] == made
    assert len({one["job"]["id"] for one in again["items"]}) == 3
    other = await optimize(world.ours, ids[:1], "k", passes=["FP16"])
    (error,) = other["items"][0]["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_MISMATCH", "idempotencyKey")


async def test_the_quota_is_of_each_model(world: World) -> None:
    ids = await models(world.ours, 2)
    for _ in range(49):
        await optimize(world.ours, ids[:1], passes=["GRAPH"])
    payload = await optimize(world.ours, ids, passes=["GRAPH"])
    codes = [[error["code"] for error in one["userErrors"]] for one in payload["items"]]
    assert codes == [[], ["QUOTA_EXCEEDED"]]


async def test_what_is_wrong_with_all_of_them_is_told_once(world: World) -> None:
    ids = await models(world.ours, 1)
    for refused, code in (
        (await optimize(world.ours, []), "INVALID"),
        (await optimize(world.ours, ids * 101), "INVALID"),
        (await optimize(world.ours, ["nonsense"]), "INVALID"),
        (await optimize(world.ours, ids, key=""), "INVALID"),
        (await optimize(world.ours.as_role(Role.VIEWER), ids), "FORBIDDEN"),
    ):
        assert refused["items"] == []
        assert [error["code"] for error in refused["userErrors"]] == [code]
