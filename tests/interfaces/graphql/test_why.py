"""Why an object is as it is: the whole chain, from the first request to the last event."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import anyio.to_thread
import pytest

from application.jobs.attempt import Worker, work_on
from application.jobs.kind import JobKind, Work
from application.plain_json import from_json, to_json
from application.policies.registry import POLICIES
from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal
from application.why import walk
from domain.artifact import Artifact, Origin
from domain.cause import Cause, acting
from domain.flag import Flag
from domain.job import Job
from domain.model import Model, Task
from domain.plan import QuotaKind
from domain.upload import UploadPurpose
from infrastructure.postgres.database import Database
from infrastructure.postgres.leases import PostgresLeases
from interfaces.graphql.node import parsed_any_id
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

WHY = """query ($id: ID!, $at: Moment) { why(id: $id, asOf: $at) {
  kind objectId position total complete explanation
  links(first: 100) { nodes {
    event { position topic streamId version actor } explains summary
    because { tie reference position summary } } }
} }"""
OPTIMIZE = """mutation ($m: ID!) { modelOptimize(modelId: $m, input: {passes: [GRAPH]}) {
  job { id } eventPosition userErrors { message } } }"""
DELETE = "mutation ($m: ID!) { modelDelete(modelId: $m) { eventPosition } }"

Run = Callable[[Work], dict[str, Any]]


class Later(PostgresLeases):
    """The clock of the leases, ahead by some time."""

    def __init__(self, database: Database, at_once: dict[str, int], later: timedelta) -> None:
        super().__init__(database, at_once)
        self._later = later

    def now(self) -> datetime:
        return super().now() + self._later


def bare(id: str) -> UUID:
    return parsed_any_id(id, "id")[1]


async def carry_out(world: World, job: str, run: Run, later: timedelta = timedelta()) -> None:
    """One attempt of a worker, and whatever the policies do about it."""
    await anyio.to_thread.run_sync(partial(_attempt, world, bare(job), run, later))
    await anyio.to_thread.run_sync(_react, world)
    head = await world.ours.context.present.reads.head()
    await world.context.waiter.reached(head, ["models", "jobs", "quotas", "benchmarks"])


def _attempt(world: World, job: UUID, run: Run, later: timedelta) -> None:
    platform = world.context.platform
    kinds = {
        "optimize": JobKind("optimize", QuotaKind.OPTIMIZATIONS, Flag.OPTIMIZATION, run),
        "benchmark": JobKind("benchmark", QuotaKind.BENCHMARKS, Flag.BENCHMARKING, run),
    }
    leases = Later(world.database, {"optimize": 1, "benchmark": 1}, later)
    work_on(Worker(platform, leases, kinds, "worker-1"), world.ours.tenant_id, job)


def _react(world: World) -> None:
    platform, tenant_id = world.context.platform, world.ours.tenant_id
    with acting(Cause(tenant_id, "test", "test", "test")):
        events = platform.log.after(0, 1_000)
    for recorded in events:
        for policy in POLICIES:
            policy.react(platform, recorded)


def _variant(work: Work) -> dict[str, Any]:
    source = from_json(work.job.input["artifact"], Artifact)
    origin = Origin(job_id=work.job.id, source_id=source.id)
    made = replace(source, id=uuid4(), variant="graph", origin=origin)
    work.watch.stage_started("optimize")
    work.watch.stage_finished("optimize")
    return {"artifacts": to_json([made])}


def _measured(work: Work) -> dict[str, Any]:
    figures = dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "throughput_per_s", "load_ms"), 1.5)
    figures |= {"peak_memory_bytes": 10, "evidence": "MEASURED"}  # type: ignore[dict-item]
    return {"benchmarks": {one["id"]: figures for one in work.job.input["artifacts"]}}


def _crashing(code: CrashKind) -> Run:
    def run(work: Work) -> dict[str, Any]:
        raise EngineCrashed(code, "The child process died.", retryable=True)

    return run


def _topics(told: dict[str, Any]) -> list[str]:
    return [link["event"]["topic"] for link in told["links"]["nodes"]]


def _link(told: dict[str, Any], topic: str) -> dict[str, Any]:
    found = [link for link in told["links"]["nodes"] if link["event"]["topic"] == topic]
    assert len(found) == 1, (topic, _topics(told))
    return found[0]


def _causes(told: dict[str, Any], topic: str) -> list[tuple[str, str | None]]:
    """How each parent is tied, and its topic; None for what is no event here."""
    by_position = {
        link["event"]["position"]: link["event"]["topic"] for link in told["links"]["nodes"]
    }
    because = _link(told, topic)["because"]
    return [(one["tie"], by_position.get(one["position"])) for one in because]


@pytest.fixture
async def optimized(world: World) -> dict[str, str]:
    """A model whose source was optimized: the ids of all that took part."""
    model, source = await world.ours.model_with_source()
    job = (await world.ours.data(OPTIMIZE, m=model))["job"]["id"]
    await carry_out(world, job, _variant)
    listed = await world.ours.data(
        "query ($m: ID!) { model(id: $m) { artifacts(first: 5) { nodes { id variant } } } }",
        m=model,
    )
    made = {one["variant"]: one["id"] for one in listed["artifacts"]["nodes"]}
    return {"model": model, "source": source, "job": job, "graph": made["graph"]}


async def test_an_artifact_is_explained_from_the_upload_to_the_job_that_made_it(
    ours: Client, optimized: dict[str, str]
) -> None:
    told = await ours.data(WHY, id=optimized["graph"])
    assert _topics(told) == [
        "model.artifact-added",
        "job.succeeded",
        "job.claimed",
        "job.requested",
        "model.version-uploaded",
        "model.registered",
    ]
    assert (told["kind"], told["complete"], told["total"]) == ("Artifact", True, 6)
    assert "variant" in _link(told, "model.artifact-added")["explains"]
    assert _causes(told, "model.artifact-added")[0] == ("CAUSE", "job.succeeded")
    assert _causes(told, "job.succeeded") == [("CAUSE", "job.claimed")]
    assert _causes(told, "job.claimed") == [("CAUSE", "job.requested")]
    assert _causes(told, "job.requested") == [("REQUEST", None), ("USED", "model.version-uploaded")]
    assert _causes(told, "model.version-uploaded") == [
        ("REQUEST", None),
        ("SUBJECT", "model.registered"),
    ]
    assert _causes(told, "model.registered") == [("REQUEST", None)]


async def test_the_chain_is_told_in_english_by_the_names_of_who_and_what(
    ours: Client, optimized: dict[str, str]
) -> None:
    lines = (await ours.data(WHY, id=optimized["graph"]))["explanation"].splitlines()
    assert lines[0] == f"Artifact {bare(optimized['graph'])}"
    assert "graph of version 1 was added to the model “digits”: it passed its gates." in lines[1]
    assert lines[2].startswith("  └ #")
    told = "\n".join(lines)
    assert "The key “first” asked for an optimization of the model “digits”." in told
    assert "The key “first” uploaded version 1 of the model “digits” (model.onnx)." in told
    assert "The key “first” registered the model “digits” (OTHER)." in told
    assert "Attempt 1 began on the worker worker-1." in told
    assert told.count("asked for it in the request ") == 3


async def test_of_a_model_every_property_is_explained_by_the_event_that_set_it(
    ours: Client, optimized: dict[str, str]
) -> None:
    told = await ours.data(WHY, id=optimized["model"])
    assert "status" in _link(told, "model.registered")["explains"]
    uploaded = _link(told, "model.version-uploaded")["explains"]
    assert {"versions", "artifact source@1"} <= set(uploaded)
    assert _link(told, "model.artifact-added")["explains"] == ["artifact graph@1"]
    await ours.data(DELETE, m=optimized["model"])
    gone = await ours.data(WHY, id=optimized["model"])
    assert _link(gone, "model.deleted")["explains"] == ["status"]
    assert _link(gone, "model.deleted")["summary"] == "The key “first” deleted the model “digits”."


async def test_a_moment_can_be_given_and_nothing_later_is_told(
    ours: Client, optimized: dict[str, str]
) -> None:
    whole = await ours.data(WHY, id=optimized["job"])
    claimed = _link(whole, "job.claimed")["event"]["position"]
    then = await ours.data(WHY, id=optimized["job"], at={"position": claimed})
    assert _topics(then)[0] == "job.claimed"
    assert "status" in _link(then, "job.claimed")["explains"]
    assert await ours.data(WHY, id=optimized["job"], at={"position": 0}) is None
    early = {"position": _link(whole, "job.requested")["event"]["position"]}
    assert await ours.data(WHY, id=optimized["graph"], at=early) is None


async def test_a_job_that_was_tried_again_after_its_worker_was_killed(
    world: World, ours: Client
) -> None:
    model, _ = await ours.model_with_source()
    job = (await ours.data(OPTIMIZE, m=model))["job"]["id"]
    platform = world.context.platform
    with acting(Cause(ours.tenant_id, "system", f"{bare(job)}/1", "c")):
        silent = platform.log.find(Job, bare(job))
        assert silent is not None
        silent.claim("worker-0")
        platform.log.save(silent)  # and nothing was ever heard of it again
    await carry_out(world, job, _crashing(CrashKind.KILLED))
    await carry_out(world, job, _variant, later=timedelta(minutes=5))
    told = await ours.data(WHY, id=job)
    assert _topics(told) == [
        "job.succeeded",
        "job.claimed",
        "job.retry-scheduled",
        "job.claimed",
        "job.claimed",
        "job.requested",
        "model.version-uploaded",
        "model.registered",
    ]
    attempts = [link for link in told["links"]["nodes"] if link["event"]["topic"] == "job.claimed"]
    third, second, first = attempts
    before = [one["because"][0]["reference"] for one in attempts]
    stream = bare(job)
    assert before == [f"{stream}/4", f"{stream}/2", f"{stream}/1"]
    assert second["because"][0]["position"] == first["event"]["position"]
    assert "another was put off" in third["because"][0]["summary"]


async def test_a_failed_job_says_what_failed_and_its_unit_that_it_was_returned(
    world: World, ours: Client
) -> None:
    model, _ = await ours.model_with_source()
    job = (await ours.data(OPTIMIZE, m=model))["job"]["id"]

    def broken(work: Work) -> dict[str, Any]:
        raise EngineCrashed(CrashKind.ERROR, "It broke.", retryable=False)

    await carry_out(world, job, broken)
    told = await ours.data(WHY, id=job)
    assert {"status", "failure"} <= set(_link(told, "job.failed")["explains"])
    quotas = await ours.data("{ quotas { id kind used } }")
    optimizations = next(one for one in quotas if one["kind"] == "optimizations")
    assert optimizations["used"] == 0
    why_quota = await ours.data(WHY, id=optimizations["id"])
    assert _causes(why_quota, "quota.returned")[0] == ("CAUSE", "job.failed")
    assert _causes(why_quota, "quota.spent")[0] == ("CAUSE", "job.requested")
    unit = f"unit {bare(job)}"
    assert _link(why_quota, "quota.returned")["explains"] == [unit]
    assert _link(why_quota, "quota.spent")["explains"] == [unit]


async def test_a_full_quota_is_explained_by_what_was_spent_and_given_back(
    world: World, ours: Client
) -> None:
    first = (await ours.register("one"))["model"]["id"]
    await ours.data("mutation ($m: ID!) { modelArchive(modelId: $m) { eventPosition } }", m=first)
    quotas = await ours.data("{ quotas { id kind } }")
    models = next(one for one in quotas if one["kind"] == "models")
    told = await ours.data(WHY, id=models["id"])
    assert _causes(told, "quota.spent")[0] == ("CAUSE", "model.registered")
    assert _causes(told, "quota.returned")[0] == ("CAUSE", "model.archived")
    assert "The unit spent on" in _link(told, "quota.returned")["summary"]


async def test_a_refused_job_has_the_fault_of_its_request(world: World, ours: Client) -> None:
    model, _ = await ours.model_with_source()
    job = (await ours.data(OPTIMIZE, m=model))["job"]["id"]

    def refused(work: Work) -> dict[str, Any]:
        raise EngineRefusal("UNSUPPORTED", "It cannot be done.", "Try another.")

    await carry_out(world, job, refused)
    summary = _link(await ours.data(WHY, id=job), "job.failed")["summary"]
    assert (
        summary
        == "The job failed by the request's fault (UNSUPPORTED: It cannot be done. Try another.)."
    )


async def test_a_benchmark_a_key_a_tenant_a_dataset_and_a_profile_have_their_reasons(
    world: World, ours: Client, optimized: dict[str, str]
) -> None:
    asked = await ours.data(
        "mutation ($m: ID!, $a: ID!) { modelBenchmark(modelId: $m, input: {artifactIds: [$a]})"
        " { job { id } } }",
        m=optimized["model"],
        a=optimized["graph"],
    )
    await carry_out(world, asked["job"]["id"], _measured)
    measured = await ours.data(
        "query ($a: ID!) { artifact(id: $a) { benchmark { id } } }", a=optimized["graph"]
    )
    told = await ours.data(WHY, id=measured["benchmark"]["id"])
    assert _topics(told)[0] == "job.succeeded"
    assert _topics(told)[-1] == "model.registered"
    assert "model.artifact-added" in _topics(told)
    tenant = await ours.data("{ viewer { tenant { id } } }")
    told = await ours.data(WHY, id=tenant["tenant"]["id"])
    assert "plan" in _link(told, "tenant.registered")["explains"]
    key = await ours.data('mutation { apiKeyIssue(label: "k", role: VIEWER) { apiKey { id } } }')
    told = await ours.data(WHY, id=key["apiKey"]["id"])
    assert "label" in _link(told, "tenant.api-key-issued")["explains"]
    assert await ours.as_role(world.ours.context.caller.role.VIEWER).data(
        WHY, id=key["apiKey"]["id"]
    ) is None  # fmt: skip
    dataset = await ours.data(
        'mutation { datasetRegister(name: "d", purpose: CALIBRATION) { dataset { id } } }'
    )
    hardware = {"architecture": "X86_64", "cores": 4, "memoryBytes": 2**30, "runtimes": ["onnx"]}
    profile = await ours.data(
        'mutation ($h: HardwareInput!) { deviceProfileDefine(name: "p", hardware: $h)'
        " { deviceProfile { id } } }",
        h=hardware,
    )
    for id, topic in (
        (dataset["dataset"]["id"], "dataset.registered"),
        (profile["deviceProfile"]["id"], "device-profile.defined"),
    ):
        for given in (id, str(bare(id))):
            assert _topics(await ours.data(WHY, id=given)) == [topic]


async def test_a_job_followed_from_what_it_was_told_to_use(ours: Client) -> None:
    model, _ = await ours.model_with_source()
    hardware = {"architecture": "X86_64", "cores": 4, "memoryBytes": 2**30, "runtimes": ["onnx"]}
    made = await ours.data(
        'mutation ($h: HardwareInput!) { deviceProfileDefine(name: "p", hardware: $h)'
        " { deviceProfile { id } } }",
        h=hardware,
    )
    dataset = await ours.data(
        'mutation { datasetRegister(name: "d", purpose: CALIBRATION) { dataset { id } } }'
    )
    given = {"p": made["deviceProfile"]["id"], "d": dataset["dataset"]["id"]}
    revise = """mutation ($p: ID!, $h: HardwareInput!) {
      deviceProfileRevise(deviceProfileId: $p, hardware: $h) { eventPosition } }"""
    await ours.data(revise, p=given["p"], h={**hardware, "cores": 2})
    upload = """mutation ($d: ID!, $u: ID!) {
      datasetVersionUpload(datasetId: $d, uploadId: $u) { userErrors { message } } }"""
    await ours.data(upload, d=given["d"], u=ours.uploaded(UploadPurpose.DATASET))
    asked = await ours.data(
        "mutation ($m: ID!, $p: ID!, $d: ID!) { modelOptimize(modelId: $m, input: {"
        " deviceProfileId: $p, calibrationDatasetId: $d }) { job { id } userErrors { message } } }",
        m=model,
        **given,
    )
    told = await ours.data(WHY, id=asked["job"]["id"])
    assert set(_causes(told, "job.requested")) == {
        ("REQUEST", None),
        ("USED", "model.version-uploaded"),
        ("USED", "dataset.version-uploaded"),
        ("USED", "device-profile.revised"),
    }


async def test_bare_ids_are_understood_and_another_tenants_are_nothing(
    world: World, optimized: dict[str, str]
) -> None:
    for id in optimized.values():
        told = await world.ours.data(WHY, id=str(bare(id)))
        assert told["objectId"] == str(bare(id))
        for given in (id, str(bare(id))):
            assert await world.theirs.data(WHY, id=given) is None
    assert await world.ours.data(WHY, id=str(uuid4())) is None


async def test_links_are_paged_newest_first(ours: Client, optimized: dict[str, str]) -> None:
    query = """query ($id: ID!, $after: String) { why(id: $id) { links(first: 2, after: $after) {
      nodes { event { position } } pageInfo { hasNextPage endCursor } } } }"""
    told: list[int] = []
    after = None
    while True:
        page = (await ours.data(query, id=optimized["graph"], after=after))["links"]
        told += [link["event"]["position"] for link in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert told == sorted(told, reverse=True)
    assert len(told) == 6


async def test_a_huge_chain_is_cut_and_says_so(
    ours: Client, optimized: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_LINKS", 3)
    told = await ours.data(WHY, id=optimized["graph"])
    assert (told["total"], told["complete"]) == (3, False)
    assert told["explanation"].endswith("… more led to this than is followed")


async def test_causes_that_go_in_circles_or_lead_nowhere_end_the_walk(
    world: World, ours: Client
) -> None:
    """No such thing is recorded; but what is stored must not hang a reader, whatever it says."""
    log, stream, other = world.context.platform.log, uuid4(), uuid4()

    def act(causation: str, model: Model | None, do: Callable[[Model], None]) -> None:
        with acting(Cause(ours.tenant_id, "system", causation, "c")):
            changed = model or Model.register(stream, "m", Task.OTHER, "")
            do(changed)
            log.save(changed)

    act(f"{stream}/2", None, lambda model: None)
    with acting(Cause(ours.tenant_id, "system", "x", "c")):
        model = log.find(Model, stream)
    act(f"{stream}/2", model, lambda model: model.archive())
    with acting(Cause(ours.tenant_id, "system", "x", "c")):
        model = log.find(Model, stream)
    act(f"{other}/7", model, lambda model: model.restore())
    told = await ours.data(WHY, id=str(stream))
    assert told["complete"]
    assert _topics(told)[0] == "model.restored"
    restored = _link(told, "model.restored")["because"][0]
    assert (restored["position"], restored["reference"]) == (None, f"{other}/7")
