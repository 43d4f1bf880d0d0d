"""Lists as they were: what was there then, as it was then, in the pages that would have been."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

FUTURE = "2999-01-01T00:00:00Z"
LISTS = {
    "models": "models(first: 5, asOf: $at) { nodes { id name status jobs(first: 2) { nodes { id } }"
    " artifacts(first: 5) { nodes { id benchmark { jobId } } } } pageInfo { hasNextPage } }",
    "datasets": "datasets(first: 5, asOf: $at) { nodes { id name latest { rows } } }",
    "deviceProfiles": "deviceProfiles(first: 5, asOf: $at) { nodes { id name cores } }",
    "jobs": "jobs(first: 5, asOf: $at) { nodes { id status kind } }",
    "apiKeys": "apiKeys(first: 5, asOf: $at) { nodes { id label revokedAt } }",
    "quotas": "quotas(asOf: $at) { kind used limit units(first: 5) { nodes { subject spentAt"
    " returnedAt returnedReason spentBy { topic } } } }",
    "events": "events(first: 50, asOf: $at) { nodes { position topic } hasNextPage endPosition }",
    "viewer": "viewer(asOf: $at) { tenant { name plan limits { models } } }",
}
HARDWARE = {"architecture": "X86_64", "cores": 4, "memoryBytes": 2**30, "runtimes": ["onnx"]}
EVERYTHING = "query ($at: Moment) { " + " ".join(LISTS.values()) + " }"
DO = {
    "archive": "mutation ($m: ID!) { modelArchive(modelId: $m) { eventPosition } }",
    "delete": "mutation ($m: ID!) { modelDelete(modelId: $m) { eventPosition } }",
    "benchmark": "mutation ($m: ID!, $a: ID!) { modelBenchmark(modelId: $m,"
    " input: {artifactIds: [$a]}) { job { id } eventPosition } }",
    "cancel": "mutation ($j: ID!) { jobCancel(jobId: $j) { eventPosition } }",
    "dataset": 'mutation { datasetRegister(name: "d", purpose: TRAINING)'
    " { dataset { id } eventPosition } }",
    "undataset": "mutation ($d: ID!) { datasetDelete(datasetId: $d) { eventPosition } }",
    "profile": 'mutation ($h: HardwareInput!) { deviceProfileDefine(name: "p", hardware: $h)'
    " { deviceProfile { id } eventPosition } }",
    "unprofile": "mutation ($p: ID!) { deviceProfileDelete(deviceProfileId: $p)"
    " { eventPosition } }",
    "key": 'mutation { apiKeyIssue(label: "k", role: VIEWER) { apiKey { id } eventPosition } }',
    "unkey": "mutation ($k: ID!) { apiKeyRevoke(apiKeyId: $k) { eventPosition } }",
}


async def test_after_each_change_the_lists_of_then_are_those_that_were_read_then(
    ours: Client,
) -> None:
    read: list[tuple[int, Any]] = []

    async def then(what: str, **given: Any) -> Any:
        payload = await ours.data(DO[what], **given)
        read.append((payload["eventPosition"], await _all(ours)))
        return payload

    model, artifact = await ours.model_with_source()
    job = (await then("benchmark", m=model, a=artifact))["job"]["id"]
    dataset = (await then("dataset"))["dataset"]["id"]
    profile = (await then("profile", h=HARDWARE))["deviceProfile"]["id"]
    key = (await then("key"))["apiKey"]["id"]
    await then("cancel", j=job)
    await then("unkey", k=key)
    await then("undataset", d=dataset)
    await then("unprofile", p=profile)
    await then("archive", m=model)
    await then("delete", m=model)
    for position, answered in reversed(read):
        asked = await ours.ask(EVERYTHING, at={"position": position})
        assert not asked.errors
        assert asked.data is not None
        for name, value in answered.items():
            assert asked.data[name] == value, (name, position)


async def _all(client: Client) -> dict[str, Any]:
    """Everything, once every view has come as far as the log."""
    context = client.context
    head = await context.present.reads.head()
    views = ("models", "jobs", "datasets", "device_profiles", "tenants", "quotas", "benchmarks")
    await context.waiter.reached(head, views)
    asked = await client.ask(EVERYTHING)
    assert not asked.errors, asked.errors
    assert asked.data is not None
    return asked.data


async def test_before_the_beginning_there_was_nothing(ours: Client) -> None:
    await ours.model_with_source()
    for at in ({"position": 0}, {"time": "2001-01-01T00:00:00Z"}):
        for name, query in LISTS.items():
            asked = await ours.ask(f"query ($at: Moment) {{ {query} }}", at=at)
            if name == "viewer":
                assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("NOT_FOUND", "asOf")
                continue
            assert asked.data is not None, asked.errors
            answered = asked.data[name]
            assert (answered if name == "quotas" else answered["nodes"]) == [], name


async def test_cursors_of_the_past_lead_through_the_past(ours: Client) -> None:
    for name in ("one", "two", "three"):
        last = await ours.register(name)
    await ours.register("four")
    await ours.data(DO["delete"], m=last["model"]["id"])
    query = """query ($at: Moment, $first: Int, $last: Int, $after: String, $before: String) {
      models(first: $first, last: $last, after: $after, before: $before, asOf: $at) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } }"""
    at = {"position": last["eventPosition"]}
    first = await ours.data(query, at=at, first=2)
    assert [node["name"] for node in first["nodes"]] == ["three", "two"]
    rest = await ours.data(query, at=at, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["name"] for node in rest["nodes"]] == ["one"]
    assert not rest["pageInfo"]["hasNextPage"]
    back = await ours.data(query, at=at, last=1, before=rest["pageInfo"]["startCursor"])
    assert [node["name"] for node in back["nodes"]] == ["two"]


async def test_filters_go_by_what_was_true_then(ours: Client) -> None:
    made = await ours.register("digits")
    await ours.data(DO["archive"], m=made["model"]["id"])
    query = """query ($at: Moment, $status: ModelStatus, $name: String) {
      models(first: 5, status: $status, nameContains: $name, asOf: $at) { nodes { name } } }"""
    at = {"position": made["eventPosition"]}
    assert (await ours.data(query, at=at, status="ARCHIVED"))["nodes"] == []
    assert len((await ours.data(query, at=at, status="ACTIVE", name="DIG"))["nodes"]) == 1
    assert len((await ours.data(query, status="ARCHIVED"))["nodes"]) == 1


async def test_a_name_means_what_had_it_then(ours: Client) -> None:
    first = await ours.register("digits")
    await ours.data(DO["delete"], m=first["model"]["id"])
    second = await ours.register("digits")
    query = 'query ($at: Moment) { model(name: "digits", asOf: $at) { id } }'
    for made in (first, second):
        then = await ours.data(query, at={"position": made["eventPosition"]})
        assert then["id"] == made["model"]["id"]
    upper = 'query ($at: Moment) { model(name: "Digits", asOf: $at) { id } }'
    assert await ours.data(upper, at={"position": first["eventPosition"]}) is None


async def test_a_removed_artifact_and_all_nodes_appear_again_in_the_past(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    key = (await ours.data(DO["key"]))["apiKey"]["id"]
    tenant = (await ours.data("{ viewer { tenant { id } } }"))["tenant"]["id"]
    at = {"position": (await ours.data(DO["benchmark"], m=model, a=artifact))["eventPosition"]}
    await ours.data(DO["delete"], m=model)
    nodes = "query ($id: ID!, $at: Moment) { node(id: $id, asOf: $at) { id } }"
    for id in (model, artifact, key, tenant):
        assert (await ours.data(nodes, id=id, at=at))["id"] == id
        assert await ours.data(nodes, id=id, at={"position": 0}) is None
    one = (
        "query ($id: ID!, $at: Moment) { artifact(id: $id, asOf: $at) { id benchmark { jobId } } }"
    )
    assert (await ours.data(one, id=artifact, at=at))["id"] == artifact
    assert await ours.data(one, id=artifact) is None
    many = "query ($ids: [ID!]!, $at: Moment) { artifacts(ids: $ids, asOf: $at) { variant } }"
    assert await ours.data(many, ids=[artifact], at=at) == [{"variant": "source"}]
    assert (await ours.ask(many, ids=[artifact])).code == "NOT_FOUND"


async def test_the_events_of_an_object_of_the_past_end_there(ours: Client) -> None:
    made = await ours.register("digits")
    await ours.data(DO["archive"], m=made["model"]["id"])
    query = """query ($id: ID!, $at: Moment) {
      model(id: $id, asOf: $at) { events(first: 9) { nodes { topic } } } }"""
    at = {"position": made["eventPosition"]}
    then = await ours.data(query, id=made["model"]["id"], at=at)
    assert [event["topic"] for event in then["events"]["nodes"]] == ["model.registered"]


@pytest.mark.parametrize(
    "moment",
    [{}, {"position": -1}, {"position": 2**53}, {"time": FUTURE}, {"position": 1, "time": FUTURE}],
)
@pytest.mark.parametrize("name", LISTS)
async def test_no_list_shows_a_moment_that_cannot_be_or_has_not_come(
    ours: Client, name: str, moment: dict[str, Any]
) -> None:
    asked = await ours.ask(f"query ($at: Moment) {{ {LISTS[name]} }}", at=moment)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "asOf")


async def test_a_time_is_that_at_which_the_database_recorded(ours: Client) -> None:
    await ours.register("one")
    await ours.register("two")
    events = (await ours.data("{ events(first: 50) { nodes { topic recordedAt } } }"))["nodes"]
    first = next(event for event in events if event["topic"] == "model.registered")
    query = "query ($at: Moment) { models(first: 9, asOf: $at) { nodes { name } } }"
    then = await ours.data(query, at={"time": first["recordedAt"]})
    assert [node["name"] for node in then["nodes"]] == ["one"]
    now = await ours.data(query, at={"time": datetime.now(UTC).isoformat()})
    assert [node["name"] for node in now["nodes"]] == ["two", "one"]


async def test_another_tenants_past_is_not_ours(world: World) -> None:
    model, artifact = await world.theirs.model_with_source()
    job = (await world.theirs.data(DO["benchmark"], m=model, a=artifact))["job"]["id"]
    at = {"position": await world.context.reads.last_given()}
    asked = await world.ours.ask(EVERYTHING, at=at)
    assert asked.data is not None
    for name in ("models", "jobs", "datasets"):
        assert asked.data[name]["nodes"] == []
    for field, id in (("model", model), ("artifact", artifact), ("job", job), ("node", job)):
        query = f"query ($id: ID!, $at: Moment) {{ {field}(id: $id, asOf: $at) {{ id }} }}"
        assert await world.ours.data(query, id=id, at=at) is None, field
    jobs = "query ($m: ID, $at: Moment) { jobs(first: 1, modelId: $m, asOf: $at) { nodes { id } } }"
    assert (await world.ours.ask(jobs, m=model, at=at)).code == "NOT_FOUND"
