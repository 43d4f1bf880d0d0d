"""An object as it was, by position and by time, in the same types as today's."""

from typing import Any

import pytest

from tests.interfaces.graphql.client import Client

AS_OF = """query ($id: ID!, $at: Moment) {
  model(id: $id, asOf: $at) {
    name status versions changed
    aliases { name artifact { id variant } }
    artifacts(first: 10) { nodes { id version } pageInfo { hasNextPage } }
    source { id }
    jobs(first: 10) { nodes { id status } }
  }
}"""
MOVE = """mutation ($m: ID!, $a: ID!) {
  modelAliasMove(modelId: $m, alias: "production", artifactId: $a) {
    eventPosition userErrors { message }
  }
}"""
BENCHMARK = """mutation ($m: ID!, $a: ID!) {
  modelBenchmark(modelId: $m, input: {artifactIds: [$a]}) {
    job { id } eventPosition userErrors { message }
  }
}"""


async def test_a_model_is_shown_with_its_aliases_and_artifacts_of_then(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    before = await _head(ours)
    moved = await ours.data(MOVE, m=model, a=artifact)
    earlier = await ours.data(AS_OF, id=model, at={"position": before})
    assert earlier["aliases"] == []
    assert [node["id"] for node in earlier["artifacts"]["nodes"]] == [artifact]
    assert earlier["source"]["id"] == artifact
    then = await ours.data(AS_OF, id=model, at={"position": moved["eventPosition"]})
    assert then["aliases"] == [
        {"name": "production", "artifact": {"id": artifact, "variant": "source"}}
    ]


async def test_today_as_it_was_is_today(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    await ours.data(MOVE, m=model, a=artifact)
    await ours.data(BENCHMARK, m=model, a=artifact)
    now = await ours.data(AS_OF, id=model)
    assert await ours.data(AS_OF, id=model, at={"position": await _head(ours)}) == now
    assert now["jobs"]["nodes"][0]["status"] == "QUEUED"


async def test_a_models_jobs_are_shown_as_they_were(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    asked = await ours.data(BENCHMARK, m=model, a=artifact)
    await ours.data(
        "mutation ($j: ID!) { jobCancel(jobId: $j) { job { id } } }", j=asked["job"]["id"]
    )
    then = await ours.data(AS_OF, id=model, at={"position": asked["eventPosition"]})
    assert [job["status"] for job in then["jobs"]["nodes"]] == ["QUEUED"]
    now = await ours.data(AS_OF, id=model)
    assert [job["status"] for job in now["jobs"]["nodes"]] == ["CANCELLED"]


async def test_a_deleted_model_is_gone_now_and_was_there_before(ours: Client) -> None:
    payload = await ours.register("digits")
    model = payload["model"]["id"]
    delete = "mutation ($m: ID!) { modelDelete(modelId: $m) { model { id } eventPosition } }"
    deleted = await ours.data(delete, m=model)
    assert deleted["model"] is None
    assert await ours.data(AS_OF, id=model) is None
    at = {"position": deleted["eventPosition"]}
    assert await ours.data(AS_OF, id=model, at=at) is None
    before = await ours.data(AS_OF, id=model, at={"position": payload["eventPosition"]})
    assert (before["name"], before["status"]) == ("digits", "ACTIVE")


async def test_a_time_is_the_databases(ours: Client) -> None:
    model = (await ours.register("digits"))["model"]["id"]
    events = (await ours.data("{ events(first: 100) { nodes { recordedAt position } } }"))["nodes"]
    await ours.data("mutation ($m: ID!) { modelArchive(modelId: $m) { model { id } } }", m=model)
    then = await ours.data(AS_OF, id=model, at={"time": events[-1]["recordedAt"]})
    assert then["status"] == "ACTIVE"
    assert await ours.data(AS_OF, id=model, at={"time": "2020-01-01T00:00:00Z"}) is None


@pytest.mark.parametrize(
    "moment",
    [
        {},
        {"position": -1},
        {"position": 1, "time": "2026-01-01T00:00:00Z"},
        {"time": "2026-01-01T00:00:00"},
    ],
)
async def test_a_moment_that_cannot_be_is_refused(ours: Client, moment: dict[str, Any]) -> None:
    model = (await ours.register("digits"))["model"]["id"]
    asked = await ours.ask(AS_OF, id=model, at=moment)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "asOf")


@pytest.mark.parametrize("time", ["yesterday", "", "9" * 100, 5, "2026-13-01T00:00:00Z"])
async def test_a_time_that_is_none_is_the_clients_mistake(ours: Client, time: object) -> None:
    model = (await ours.register("digits"))["model"]["id"]
    asked = await ours.ask(AS_OF, id=model, at={"time": time})
    assert asked.errors
    assert asked.errors[0].get("extensions", {}).get("code") != "INTERNAL"


async def test_datasets_and_profiles_are_shown_as_they_were(ours: Client) -> None:
    made = await ours.data(
        'mutation { datasetRegister(name: "d", purpose: CALIBRATION)'
        " { dataset { id } eventPosition } }"
    )
    delete = "mutation ($d: ID!) { datasetDelete(datasetId: $d) { dataset { id } } }"
    assert await ours.data(delete, d=made["dataset"]["id"]) == {"dataset": None}
    query = "query ($d: ID!, $at: Moment) { dataset(id: $d, asOf: $at) { name latest { rows } } }"
    at = {"position": made["eventPosition"]}
    assert (await ours.data(query, d=made["dataset"]["id"], at=at))["name"] == "d"
    assert await ours.data(query, d=made["dataset"]["id"]) is None


async def _head(client: Client) -> int:
    return int((await client.data("{ system { head } }"))["head"])
