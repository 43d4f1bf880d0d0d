"""A rollout live, and judged again afterwards."""

import asyncio
from typing import Any

import pytest

from edge.protocol.updates import Problem, Reported
from tests.interfaces.graphql.devices import Speaking
from tests.interfaces.graphql.rollouts import ABORT, APPROVE, RETRY, Carrying, done, draft
from tests.interfaces.graphql.test_subscriptions import _take
from tests.interfaces.graphql.world import World

FOLLOW = """subscription ($id: ID!, $after: BigInt) {
  rolloutProgressed(rolloutId: $id, after: $after) {
    rollout { status wave phase } update { deviceId state device { name } }
    event { topic position } } }"""
REPLAY = """query ($id: ID!, $rule: StopRuleInput!, $at: Moment) {
  rolloutReplay(rolloutId: $id, rule: $rule, asOf: $at) {
    outcomes failures stopsAt exposed spared finding { kind outcomes failures stops } } }"""
ONE_WAVE: dict[str, Any] = {"waves": [{"share": 1.0}]}


@pytest.fixture
def carrying(world: World) -> Carrying:
    return Carrying(world, world.ours)


async def test_each_decision_and_each_step_of_a_device_is_told_once(
    world: World, carrying: Carrying
) -> None:
    ours = world.ours
    ids = await carrying.online("a")
    made = await draft(ours, ONE_WAVE)
    other = await draft(ours, ONE_WAVE)
    told = asyncio.ensure_future(_take(ours.subscribe(FOLLOW, id=made["id"]), 8))
    await ours.followed()
    await Speaking(ours, ids["a"]).report(1, noise=1)
    await done(ours, ABORT, id=other["id"], revert=False)
    rollout = (await done(ours, APPROVE, id=made["id"]))["id"]
    await carrying.until_state(rollout, "OFFERED")
    await carrying.say(rollout, ids["a"], Reported.CONFIRMED)
    await carrying.until_status(rollout, "COMPLETED")
    steps = await told
    topics = [step["event"]["topic"] for step in steps]
    assert sorted(topics) == sorted(
        [
            "rollout.approved",
            "update.queued",
            "rollout.prepared",
            "rollout.wave-started",
            "update.offered",
            "update.settled",
            "rollout.soak-started",
            "rollout.wave-promoted",
        ]
    )
    positions = [int(step["event"]["position"]) for step in steps]
    assert positions == sorted(set(positions))
    by_topic = {step["event"]["topic"]: step for step in steps}
    assert by_topic["rollout.approved"]["update"] is None
    assert by_topic["rollout.approved"]["rollout"]["status"] == "APPROVED"
    settled = by_topic["update.settled"]
    assert settled["update"] == {
        "deviceId": ids["a"],
        "state": "CONFIRMED",
        "device": {"name": "a"},
    }
    assert settled["rollout"] == {"status": "RUNNING", "wave": 1, "phase": "DISPATCHING"}
    again = await _take(ours.subscribe(FOLLOW, id=rollout, after=positions[3]), 4)
    assert [step["event"] for step in again] == [step["event"] for step in steps[4:]]


async def test_who_stops_following_leaves_nothing_behind(world: World) -> None:
    ours = world.ours
    made = await draft(ours)
    following = ours.subscribe(FOLLOW, id=made["id"], after=0)
    (first,) = await _take(following, 1)
    assert first["event"]["topic"] == "rollout.drafted"
    await following.aclose()  # type: ignore[attr-defined]
    assert ours.tenant_id not in world.context.tails._open


async def test_another_tenants_rollout_is_not_followed(world: World) -> None:
    made = await draft(world.ours)
    asked = await anext(world.theirs.subscribe(FOLLOW, id=made["id"]))
    assert asked.code == "NOT_FOUND"


async def test_a_rollout_is_judged_by_another_rule_by_the_outcomes_that_it_had(
    world: World, carrying: Carrying
) -> None:
    ours = world.ours
    ids = await carrying.online("a", "b", "c")
    rollout = (await done(ours, APPROVE, id=(await draft(ours, ONE_WAVE))["id"]))["id"]
    await carrying.until_state(rollout, "OFFERED", 3)
    await carrying.say(rollout, ids["a"], Reported.CONFIRMED)
    await carrying.say(rollout, ids["b"], Reported.FAILED, Problem.CRASHED)
    then = {"position": int((await ours.data("{ system { head } }"))["head"])}
    await carrying.say(rollout, ids["c"], Reported.CONFIRMED)
    strict = {"kind": "PERCENTAGE", "maxRate": 0.1, "minCount": 2}
    found = await ours.data(REPLAY, id=rollout, rule=strict)
    assert (found["outcomes"], found["failures"]) == (3, 1)
    assert (found["exposed"], found["spared"]) == (3, 1)
    assert found["stopsAt"] is not None
    assert found["finding"] == {
        "kind": "PERCENTAGE",
        "outcomes": 2,
        "failures": 1,
        "stops": True,
    }
    found = await ours.data(REPLAY, id=rollout, rule={**strict, "maxRate": 0.9})
    assert (found["stopsAt"], found["exposed"], found["spared"]) == (None, 3, None)
    assert (await ours.data(REPLAY, id=rollout, rule=strict, at=then))["outcomes"] == 2
    await done(ours, RETRY, id=rollout, d=[ids["b"]])
    assert (await ours.data(REPLAY, id=rollout, rule=strict))["failures"] == 0
