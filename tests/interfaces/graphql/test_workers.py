"""Who sees the workers, and what a job says that nobody can carry out."""

from uuid import uuid4

from application.ports.workers import Announcement
from domain.cause import Cause, acting
from domain.job import Job
from infrastructure.postgres.workers import PostgresWorkers
from interfaces.graphql.node import global_id
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

WORKERS = "{ workers { id host kinds capabilities facts silent } }"


async def test_the_operator_sees_all_and_an_owner_not_which_machine(world: World) -> None:
    PostgresWorkers(world.database).announce(
        Announcement("box:1", "box", ("format:onnx", "kind:optimize"), {"cores": 2})
    )
    (seen,) = await world.operator.data(WORKERS)
    assert (seen["id"], seen["host"], seen["facts"]) == ("box:1", "box", {"cores": 2})
    assert (seen["kinds"], seen["silent"]) == (["optimize"], False)
    (seen,) = await world.ours.data(WORKERS)
    assert (seen["id"], seen["host"], seen["facts"]) == ("1", None, None)
    assert seen["capabilities"] == ["format:onnx", "kind:optimize"]


async def test_a_job_says_what_no_worker_offers(world: World) -> None:
    job_id, tenant_id = uuid4(), world.ours.context.tenant_id
    spec = {"passes": ["FP16"]}
    with acting(Cause(tenant_id, "test", "test", "test")):
        given = {"artifact": {"format": "ONNX"}, "spec": spec}
        position = world.context.platform.log.save(
            Job.request(job_id, "optimize", uuid4(), given, "")
        )
    asked = "query($id: ID!, $at: BigInt) { job(id: $id, waitFor: $at) { waitingFor } }"
    values = {"id": global_id("Job", job_id), "at": position}

    async def waiting_for(client: Client) -> list[str]:
        return list((await client.data(asked, **values))["waitingFor"])

    workers = PostgresWorkers(world.database)
    assert await waiting_for(world.ours) == ["format:onnx", "kind:optimize", "pass:onnx-fp16"]
    workers.announce(Announcement("w1", "box", ("kind:optimize", "format:onnx"), {}))
    assert await waiting_for(world.ours) == ["pass:onnx-fp16"]
    both = ("kind:optimize", "format:onnx", "pass:onnx-fp16")
    workers.announce(Announcement("w2", "box", both, {}))
    assert await waiting_for(world.ours) == []
