"""A job that no living worker can do is refused when it is asked for, with the remedy."""

from typing import Any

import pytest

from application.ports.workers import Announcement
from infrastructure.postgres.workers import PostgresWorkers
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

OPTIMIZE = """mutation ($model: ID!, $input: OptimizeInput!, $key: String) {
  modelOptimize(modelId: $model, input: $input, idempotencyKey: $key) {
    job { id status waitingFor waitingBecause reasons input }
    userErrors { field message code }
  }
}"""
BENCHMARK = """mutation ($model: ID!, $artifacts: [ID!]!) {
  modelBenchmark(modelId: $model, input: {artifactIds: $artifacts}) {
    job { id } userErrors { field message code }
  }
}"""
ABLE = ("kind:optimize", "format:onnx", "pass:onnx-graph", "pass:onnx-dynamic-int8")


def alive(world: World, *words: str, id: str = "w") -> None:
    PostgresWorkers(world.database).announce(Announcement(id, "box", words, {}))


async def optimize(client: Client, model: str, key: str | None = None, **given: Any) -> Any:
    return await client.data(OPTIMIZE, model=model, input=given, key=key)


async def test_what_no_worker_of_the_kind_can_do_is_refused_and_spends_nothing(
    world: World,
) -> None:
    model, _ = await world.ours.model_with_source()
    alive(world, *ABLE)
    payload = await optimize(world.ours, model, passes=["GRAPH", "FP16"])
    (error,) = payload["userErrors"]
    assert (payload["job"], error["code"]) == (None, "NO_WORKER")
    assert error["field"] == "input.passes"
    assert "FP16 on ONNX" in error["message"]
    assert "pip install onnx onnxconverter-common onnxruntime" in error["message"]
    jobs = await world.ours.data("{ jobs(first: 1) { nodes { id } } }")
    assert jobs["nodes"] == []
    granted = await optimize(world.ours, model, passes=["GRAPH"])
    assert granted["userErrors"] == []


async def test_while_nobody_does_such_jobs_one_waits_and_says_what_for(world: World) -> None:
    model, _ = await world.ours.model_with_source()
    alive(world, "kind:benchmark", "format:onnx")
    payload = await optimize(world.ours, model, passes=["FP16"])
    assert payload["userErrors"] == []
    assert payload["job"]["waitingFor"] == ["format:onnx", "kind:optimize", "pass:onnx-fp16"] or (
        payload["job"]["waitingFor"] == ["kind:optimize", "pass:onnx-fp16"]
    )
    told = " ".join(payload["job"]["waitingBecause"])
    assert "edgewise worker" in told
    assert "FP16 on ONNX" in told


async def test_a_repeated_request_is_what_it_was_after_the_workers_have_gone(
    world: World,
) -> None:
    model, _ = await world.ours.model_with_source()
    alive(world, *ABLE)
    first = await optimize(world.ours, model, "k", passes=["GRAPH"])
    alive(world, "kind:optimize")
    again = await optimize(world.ours, model, "k", passes=["GRAPH"])
    assert again["userErrors"] == []
    assert again["job"]["id"] == first["job"]["id"]
    other = await optimize(world.ours, model, "other", passes=["GRAPH"])
    assert [error["code"] for error in other["userErrors"]] == ["NO_WORKER"]


async def test_a_benchmark_of_a_format_that_no_worker_runs_is_refused(world: World) -> None:
    model, artifact = await world.ours.model_with_source()
    alive(world, "kind:benchmark", "format:tflite")
    payload = await world.ours.data(BENCHMARK, model=model, artifacts=[artifact])
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("NO_WORKER", "input.artifactIds")
    assert "ONNX" in error["message"]


async def test_a_profile_decides_what_is_not_said_and_the_job_tells_why(world: World) -> None:
    model, _ = await world.ours.model_with_source()
    templates = "{ deviceProfileTemplates { id name } }"
    profiles = {one["name"]: one["id"] for one in await world.ours.data(templates)}
    profile = profiles["x86-64 server"]
    payload = await optimize(world.ours, model, "k", deviceProfileId=profile)
    spec, reasons = payload["job"]["input"]["spec"], payload["job"]["reasons"]
    assert spec["reduce_range"] is True
    assert "FP16" not in spec["passes"]
    assert len(reasons) == 2
    explicit = await optimize(
        world.ours, model, deviceProfileId=profile, passes=["FP16"], reduceRange=False
    )
    spec = explicit["job"]["input"]["spec"]
    assert (spec["passes"], spec["reduce_range"]) == (["FP16"], False)
    plain = await optimize(world.ours, model)
    assert (plain["job"]["reasons"], "reasons" in plain["job"]["input"]) == ([], False)


@pytest.mark.parametrize("level", ["SPEED", "BALANCED", "SIZE"])
async def test_a_recommendation_can_be_asked_for_before_anything_is_done(
    world: World, level: str
) -> None:
    templates = "{ deviceProfileTemplates { id name } }"
    profiles = {one["name"]: one["id"] for one in await world.ours.data(templates)}
    asked = """query ($level: Level!, $profile: ID!) {
      optimizationRecommendation(format: ONNX, bytes: 1000, level: $level,
                                 deviceProfileId: $profile) { target passes reasons }
    }"""
    told = await world.ours.data(asked, level=level, profile=profiles["Raspberry Pi 5"])
    assert told["target"] == "ONNX"
    assert ("FP16" in told["passes"]) == (level == "SIZE")
    assert told["reasons"]
    nowhere = await world.ours.ask(asked, level=level, profile="nothing")
    assert nowhere.code in ("INVALID", "NOT_FOUND")
