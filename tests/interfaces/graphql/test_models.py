"""Models over GraphQL: registered, seen, paged, as they were."""

from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World


async def test_the_viewer_is_the_key_that_asks(world: World) -> None:
    viewer = await world.ours.data("{ viewer { actor role platform tenant { name plan } } }")
    assert viewer["role"] == "OWNER"
    assert viewer["tenant"] == {"name": "Ours", "plan": "STARTER"}


async def test_a_registered_model_is_in_the_payload_and_in_the_list(ours: Client) -> None:
    payload = await ours.register("digits")
    assert payload["userErrors"] == []
    assert payload["model"]["name"] == "digits"
    listed = await ours.data("{ models(first: 10) { nodes { id name } pageInfo { hasNextPage } } }")
    assert listed["nodes"] == [{"id": payload["model"]["id"], "name": "digits"}]
