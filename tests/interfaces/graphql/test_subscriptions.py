"""Subscriptions: by position, nothing missed, nothing told twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from application.ports.leases import Tick
from domain.cause import Cause, acting
from domain.job import Failure, Fault, Job
from domain.model import Model
from infrastructure.postgres.leases import PostgresLeases
from interfaces.graphql.node import parsed_any_id
from tests.interfaces.graphql.client import Asked, Client
from tests.interfaces.graphql.world import World
from tests.patience import PATIENCE

EVENTS = """subscription ($after: BigInt, $of: ID) {
  eventsAppended(after: $after, of: $of) { position topic streamId data }
}"""
CHANGES = """subscription ($m: ID!, $after: BigInt) {
  modelChanged(modelId: $m, after: $after) {
    model { name status aliases { name } } event { topic position }
  }
}"""
PROGRESS = """subscription ($j: ID!, $after: BigInt) {
  jobProgressed(jobId: $j, after: $after) { status attempt stage percent message position }
}"""


async def _take(results: AsyncIterator[Asked], count: int) -> list[Any]:
    taken: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while len(taken) < count:
            asked = await anext(results)
            assert not asked.errors, asked.errors
            assert asked.data is not None
            taken.append(next(iter(asked.data.values())))
    return taken


async def _all(results: AsyncIterator[Asked]) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [next(iter((asked.data or {}).values())) async for asked in results]


async def test_events_from_the_beginning_are_all_of_the_tenants_and_no_others(
    world: World,
) -> None:
    await world.theirs.register("theirs")
    await world.ours.register("ours")
    stored = await world.ours.data("{ events(first: 100) { nodes { position topic } } }")
    results = world.ours.subscribe(EVENTS, after=0)
    told = await _take(results, len(stored["nodes"]))
    assert [event["position"] for event in told] == [e["position"] for e in stored["nodes"]]
    following = asyncio.ensure_future(_take(results, 1))
    await world.theirs.register("theirs too")
    await world.ours.register("more")
    assert (await following)[0]["topic"] in ("model.registered", "name.reserved", "quota.spent")
    await results.aclose()  # type: ignore[attr-defined]


async def test_without_a_position_only_what_comes_is_told(ours: Client) -> None:
    await ours.register("before")
    results = ours.subscribe(EVENTS)
    following = asyncio.ensure_future(_take(results, 3))
    await ours.followed()
    await ours.register("after")
    names = {event["data"].get("name") or event["data"].get("value") for event in await following}
    assert "before" not in names
    assert "after" in names


async def test_many_events_at_once_are_told_in_order_each_once(ours: Client) -> None:
    for _ in range(5):
        key = await _hundred_events(ours)
    results = ours.subscribe(EVENTS, after=0, of=key)
    told = await _take(results, 500)
    positions = [event["position"] for event in told]
    assert positions == sorted(set(positions))


async def test_a_client_that_reconnects_misses_nothing_and_sees_nothing_twice(
    ours: Client,
) -> None:
    model = (await ours.register("digits"))["model"]["id"]
    seen: list[int] = []
    for _ in range(4):
        await ours.data(
            "mutation ($m: ID!) { modelArchive(modelId: $m) { eventPosition } }", m=model
        )
        await ours.data(
            "mutation ($m: ID!) { modelRestore(modelId: $m) { eventPosition } }", m=model
        )
        results = ours.subscribe(EVENTS, after=seen[-1] if seen else 0, of=model)
        seen += [event["position"] for event in await _take(results, 1)]
        await results.aclose()  # type: ignore[attr-defined]
    results = ours.subscribe(EVENTS, after=seen[-1], of=model)
    seen += [event["position"] for event in await _take(results, 5)]
    stored = await ours.data(
        "query ($m: ID!) { events(first: 100, of: $m) { nodes { position } } }", m=model
    )
    assert seen == [event["position"] for event in stored["nodes"]]


@pytest.mark.parametrize("query", [EVENTS, CHANGES, PROGRESS])
@pytest.mark.parametrize("after", [-1, 10**9, -(10**15), 2**53 - 1])
async def test_a_position_that_was_never_given_is_refused(
    ours: Client, query: str, after: int
) -> None:
    model, artifact = await ours.model_with_source()
    job = await _benchmark(ours, model, artifact)
    ids = {"m": model} if query is CHANGES else {"j": job} if query is PROGRESS else {}
    asked = await anext(ours.subscribe(query, after=after, **ids))
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "after")


async def test_a_position_of_another_tenant_is_a_place_in_the_log_too(
    ours: Client, theirs: Client
) -> None:
    foreign = (await theirs.register("theirs"))["eventPosition"]
    results = ours.subscribe(EVENTS, after=foreign)
    waiting = asyncio.ensure_future(_take(results, 1))
    await ours.register("letters")
    assert (await waiting)[0]["position"] > foreign


async def test_a_killed_listening_connection_loses_nothing(world: World) -> None:
    results = world.ours.subscribe(EVENTS)
    following = asyncio.ensure_future(_take(results, 6))
    await world.ours.followed()
    await world.ours.register("one")
    with world.database.system() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
    await world.ours.register("two")
    told = await following
    assert len({event["position"] for event in told}) == 6


async def test_a_model_is_told_as_each_event_left_it(ours: Client) -> None:
    payload = await ours.register("digits")
    model, position = payload["model"]["id"], payload["eventPosition"]
    for mutation in ("modelArchive", "modelRestore", "modelDelete"):
        await ours.data(
            f"mutation ($m: ID!) {{ {mutation}(modelId: $m) {{ eventPosition }} }}", m=model
        )
    told = await _all(ours.subscribe(CHANGES, m=model, after=0))
    assert [change["event"]["topic"] for change in told] == [
        "model.registered",
        "model.archived",
        "model.restored",
        "model.deleted",
    ]
    statuses = [change["model"]["status"] for change in told]
    assert statuses == ["ACTIVE", "ARCHIVED", "ACTIVE", "DELETED"]
    rest = await _all(ours.subscribe(CHANGES, m=model, after=told[1]["event"]["position"]))
    assert rest == told[2:]
    assert await _all(ours.subscribe(CHANGES, m=model)) == []
    assert position >= told[0]["event"]["position"]


async def test_a_job_is_told_from_its_request_to_its_end(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    job = await _benchmark(ours, model, artifact)
    _work(ours, job)
    told = await _all(ours.subscribe(PROGRESS, j=job, after=0))
    assert [(step["status"], step["attempt"], step["stage"]) for step in told] == [
        ("QUEUED", 0, None),
        ("RUNNING", 1, None),
        ("RUNNING", 1, "measure"),
        ("RUNNING", 1, None),
        ("FAILED", 1, None),
    ]
    assert told[-1]["message"] == "It broke."
    middle = told[2]["position"]
    assert await _all(ours.subscribe(PROGRESS, j=job, after=middle)) == told[3:]
    assert await _all(ours.subscribe(PROGRESS, j=job, after=told[-1]["position"])) == []
    assert await _all(ours.subscribe(PROGRESS, j=job)) == []


async def test_the_last_tick_is_told_at_once_and_later_ones_as_they_come(world: World) -> None:
    ours = world.ours
    model, artifact = await ours.model_with_source()
    job_id = parsed_any_id(await _benchmark(ours, model, artifact), "id")[1]
    leases = PostgresLeases(world.database, {"benchmark": 1})
    leases.acquire(ours.tenant_id, job_id, "benchmark", "w")
    _change(ours, job_id, lambda job: (job.claim("w"), job.start_stage(1, "measure")))
    leases.report("w", Tick(job_id, ours.tenant_id, 1, "measure", 10, "10 %"))
    results = ours.subscribe(PROGRESS, j=str(job_id))
    first = (await _take(results, 1))[0]
    assert (first["percent"], first["position"], first["stage"]) == (10, None, "measure")
    following = asyncio.ensure_future(_take(results, 1))
    leases.report("w", Tick(job_id, ours.tenant_id, 1, "measure", 60, "60 %"))
    assert (await following)[0]["percent"] == 60
    _change(ours, job_id, lambda job: job.succeed(1, {"benchmarks": {}}))
    leases.report("w", Tick(job_id, ours.tenant_id, 1, "measure", 99, "late"))
    rest = await _all(results)
    assert [step["status"] for step in rest] == ["SUCCEEDED"]


@pytest.mark.parametrize("query", [EVENTS, CHANGES, PROGRESS])
async def test_a_subscription_that_ends_leaves_nobody_listening(world: World, query: str) -> None:
    model, artifact = await world.ours.model_with_source()
    job = await _benchmark(world.ours, model, artifact)
    listener: Any = world.context.listener
    before = {channel: len(found) for channel, found in listener._callbacks.items()}
    ids = {"m": model} if query is CHANGES else {"j": job} if query is PROGRESS else {}
    results = world.ours.subscribe(query, after=0, **ids)
    await _take(results, 1)
    assert {name: len(found) for name, found in listener._callbacks.items()} != before
    await results.aclose()  # type: ignore[attr-defined]
    assert {name: len(found) for name, found in listener._callbacks.items()} == before


async def _hundred_events(client: Client) -> str:
    """Of one model; returns its id."""
    query = '{ model(name: "busy") { id } }'
    model = await client.data(query) or (await client.register("busy"))["model"]
    _change_model(client, parsed_any_id(model["id"], "id")[1])
    return str(model["id"])


def _change_model(client: Client, model_id: UUID) -> None:
    with _acting(client):
        model = client.context.platform.log.find(Model, model_id)
        assert model is not None
        for _ in range(50):
            model.archive()
            model.restore()
        client.context.platform.log.save(model)


async def _benchmark(client: Client, model: str, artifact: str) -> str:
    payload = await client.data(
        "mutation ($m: ID!, $a: ID!) { modelBenchmark(modelId: $m, input: {artifactIds: [$a]})"
        " { job { id } userErrors { message } } }",
        m=model,
        a=artifact,
    )
    return str(payload["job"]["id"])


def _work(client: Client, job: str) -> None:
    def attempt(job: Job) -> None:
        job.claim("w")
        job.start_stage(1, "measure")
        job.finish_stage(1, "measure")
        failure = Failure("BROKEN", "It broke.", Fault.PLATFORM)
        job.fail(1, failure, client.context.platform.now())

    _change(client, parsed_any_id(job, "id")[1], attempt)


def _change(client: Client, job_id: UUID, change: Any) -> None:
    with _acting(client):
        job = client.context.platform.log.find(Job, job_id)
        assert job is not None
        change(job)
        client.context.platform.log.save(job)


def _acting(client: Client) -> Any:
    return acting(Cause(client.tenant_id, "test", "test", "test"))
