"""How the platform stands: what everybody may know of it, and what its operator alone."""

from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

SYSTEM = """{ system {
  head followers { name position lag lagSeconds stoppedPosition stoppedTopic stoppedError }
  outbox { kind waiting oldestSeconds }
} }"""


async def _stop(world: World) -> None:
    reads = world.context.reads
    await world.context.waiter.reached(await reads.last_given(), ["models"])
    world.followers["models"].close()
    with world.database.system() as connection:
        connection.execute(
            "UPDATE followers SET stopped_position = 7, stopped_topic = 'model.archived',"
            " stopped_error = 'ValueError: odd', stopped_since = now() WHERE name = 'models'"
        )


def _models(system: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return next(each for each in system["followers"] if each["name"] == "models")


async def test_the_operator_is_told_why_a_view_stopped_and_what_waits(world: World) -> None:
    await _stop(world)
    with world.database.system() as connection:
        connection.execute(
            "INSERT INTO outbox (kind, dedupe_key, tenant_id, payload, created_at)"
            " VALUES ('job', '1', gen_random_uuid(), '{}', now() - interval '1 minute')"
        )
    await world.ours.register("later")
    system = await world.operator.data(SYSTEM)
    models = _models(system)
    assert (models["stoppedPosition"], models["stoppedTopic"]) == (7, "model.archived")
    assert models["stoppedError"] == "ValueError: odd"
    assert int(str(models["lag"])) > 0, "the events of another tenant"
    assert models["lagSeconds"] > 0  # type: ignore[operator]
    (jobs,) = system["outbox"]
    assert (jobs["kind"], jobs["waiting"]) == ("job", 1)
    assert jobs["oldestSeconds"] >= 60


async def test_others_are_told_that_it_stopped_and_nothing_of_other_tenants(
    world: World, ours: Client
) -> None:
    await _stop(world)
    await world.theirs.register("secret")
    system = await ours.data(SYSTEM)
    models = _models(system)
    assert models["stoppedPosition"] == 7
    assert "odd" not in str(models["stoppedError"])
    assert (models["lag"], models["lagSeconds"]) == (0, None)
    assert system["outbox"] is None
