"""Rollouts as people draft, decide and see them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.principal import Role
from edge.protocol.updates import Problem, Reported
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import Speaking, device
from tests.interfaces.graphql.rollouts import (
    ABORT,
    APPROVE,
    ASK,
    DRAFT,
    FORCE,
    PAUSE,
    PROMOTE,
    RESUME,
    RETRY,
    ROLLOUT,
    Carrying,
    done,
    draft,
    states,
    update_of,
)
from tests.interfaces.graphql.world import World

PREVIEW = """query ($id: ID!) { rolloutPreview(rolloutId: $id) {
  devices online waves { wave devices } leftOut { name why } conflicts { name rolloutName state }
  bytes installedAlready estimatedSeconds assumptions } }"""
LIST = """query ($s: RolloutStatus, $at: Moment) { rollouts(first: 10, status: $s, asOf: $at) {
  nodes { name status waves { wave } updateCounts { state count } } } }"""
DEVICE = """query ($d: ID!, $at: Moment) { device(id: $d, asOf: $at) {
  update { id state rolloutId device { name } } installedBy { id name status } release
  updates(first: 5) { nodes { rolloutId state } } } }"""
ONE_WAVE: dict[str, Any] = {"waves": [{"share": 1.0}]}


@pytest.fixture
def carrying(world: World) -> Carrying:
    return Carrying(world, world.ours)


def other_member(client: Client) -> Client:
    assert client.context.principal is not None
    return client.with_principal(replace(client.context.principal, actor="key:another"))


async def started(client: Client, plan: dict[str, Any] | None = None, **target: Any) -> str:
    made = await draft(client, plan, **target)
    return str((await done(client, APPROVE, id=made["id"]))["id"])


async def head(client: Client) -> int:
    return int((await client.data("{ system { head } }"))["head"])


async def test_a_draft_goes_nowhere_and_its_preview_tells_where_it_would(ours: Client) -> None:
    await device(ours, "a")
    await device(ours, "b")
    await Speaking(ours, await device(ours, "c")).online()
    made = await draft(ours, {"waves": [{"count": 1}, {"share": 1.0}]})
    assert (made["status"], made["wave"], made["waveSizes"]) == ("DRAFT", 0, [])
    assert (made["updateCounts"], made["waves"], made["evidence"]) == ([], [], None)
    assert made["author"] == ours.context.caller.actor
    preview = await ours.data(PREVIEW, id=made["id"])
    assert (preview["devices"], preview["online"]) == (3, 1)
    assert [wave["devices"] for wave in preview["waves"]] == [1, 2]
    assert (preview["leftOut"], preview["conflicts"], preview["bytes"]) == ([], [], 0)
    assert preview["assumptions"]
    assert (await ours.data(ROLLOUT, id=made["id"])) == made


async def test_a_release_goes_out_wave_by_wave_until_all_devices_have_it(
    ours: Client, carrying: Carrying
) -> None:
    ids = await carrying.online("a", "b")
    rollout = await started(ours, {"waves": [{"count": 1}, {"share": 1.0}]})
    found = await carrying.until_state(rollout, "OFFERED")
    assert (found["status"], found["wave"], found["phase"]) == ("RUNNING", 1, "DISPATCHING")
    assert states(found) == {"QUEUED": 1, "OFFERED": 1}
    first = update_of(found, "OFFERED")
    shown = await ours.data(DEVICE, d=first["deviceId"])
    assert (shown["update"]["id"], shown["update"]["rolloutId"]) == (first["id"], rollout)
    assert ids[shown["update"]["device"]["name"]] == first["deviceId"]
    assert (shown["installedBy"], shown["release"]) == (None, None)
    await carrying.say(rollout, first["deviceId"], Reported.CONFIRMED)
    found = await carrying.until_state(rollout, "OFFERED")
    assert states(found) == {"CONFIRMED": 1, "OFFERED": 1}
    assert [(wave["wave"], wave["phase"]) for wave in found["waves"]] == [
        (1, None),
        (2, "DISPATCHING"),
    ]
    await carrying.say(rollout, update_of(found, "OFFERED")["deviceId"], Reported.CONFIRMED)
    found = await carrying.until_status(rollout, "COMPLETED")
    assert states(found) == {"CONFIRMED": 2}
    assert found["evidence"]["tally"] == {"devices": 2, "confirmed": 2, "bad": 0, "queued": 0}
    shown = await ours.data(DEVICE, d=first["deviceId"])
    assert shown["update"] is None
    assert shown["installedBy"] == {"id": rollout, "name": "settings", "status": "COMPLETED"}
    assert shown["release"] == found["releaseId"] == first["release"]
    assert shown["updates"]["nodes"] == [{"rolloutId": rollout, "state": "CONFIRMED"}]


async def test_it_and_its_devices_are_shown_as_they_were(ours: Client, carrying: Carrying) -> None:
    ids = await carrying.online("a", "b")
    before = await head(ours)
    rollout = await started(ours, ONE_WAVE)
    offered = await carrying.until_state(rollout, "OFFERED", 2)
    then, listed = await head(ours), await ours.data(LIST)
    shown = await ours.data(DEVICE, d=ids["a"])
    for id in ids.values():
        await carrying.say(rollout, id, Reported.CONFIRMED)
    await carrying.until_status(rollout, "COMPLETED")
    at = {"position": then}
    assert await ours.data(ROLLOUT, id=rollout, at=at) == offered
    assert await ours.data(LIST, at=at) == listed
    assert await ours.data(DEVICE, d=ids["a"], at=at) == shown
    assert states(listed["nodes"][0]) == {"OFFERED": 2}
    assert await ours.data(ROLLOUT, id=rollout, at={"position": before}) is None
    node = "query ($id: ID!, $at: Moment) { node(id: $id, asOf: $at) { ... on Update { state } } }"
    update = shown["update"]["id"]
    assert await ours.data(node, id=update, at=at) == {"state": "OFFERED"}
    assert await ours.data(node, id=update) == {"state": "CONFIRMED"}
    assert await ours.data(node, id=update, at={"position": before}) is None


async def test_rollouts_are_listed_by_status(ours: Client) -> None:
    await device(ours, "a")
    await draft(ours)
    rollout = await started(ours)
    await done(ours, ABORT, id=rollout, revert=False)
    assert len((await ours.data(LIST))["nodes"]) == 2
    for status in ("DRAFT", "ABORTED"):
        nodes = (await ours.data(LIST, s=status))["nodes"]
        assert [one["status"] for one in nodes] == [status]
    assert (await ours.data(LIST, s="RUNNING"))["nodes"] == []


async def test_who_wrote_a_rollout_that_needs_approval_cannot_approve_it(ours: Client) -> None:
    await device(ours, "a")
    made = await draft(ours, {"needsApproval": True})
    assert (await done(ours, ASK, id=made["id"]))["status"] == "PENDING_APPROVAL"
    for approver in (ours, ours.as_role(Role.OPERATOR)):
        error = (await approver.data(APPROVE, id=made["id"]))["userErrors"][0]
        assert (error["code"], error["field"]) == ("FORBIDDEN", "rolloutId")
    approved = await done(other_member(ours), APPROVE, id=made["id"])
    assert (approved["status"], approved["approvedBy"]) == ("APPROVED", "key:another")
    assert approved["author"] != approved["approvedBy"]


async def test_without_asking_nobody_approves_what_needs_approval(ours: Client) -> None:
    await device(ours, "a")
    made = await draft(ours, {"needsApproval": True})
    error = (await other_member(ours).data(APPROVE, id=made["id"]))["userErrors"][0]
    assert error["code"] == "INVALID_STATE"


async def test_a_paused_rollout_offers_nothing_until_it_is_resumed(
    ours: Client, carrying: Carrying
) -> None:
    await carrying.online("a")
    rollout = await started(ours, ONE_WAVE)
    paused = await done(ours, PAUSE, id=rollout, m="let us look")
    assert (paused["status"], paused["reason"], paused["message"]) == (
        "PAUSED",
        "BY_HAND",
        "let us look",
    )
    still = await carrying.until_status(rollout, "PAUSED")
    assert "OFFERED" not in states(still)
    resumed = await done(ours, RESUME, id=rollout)
    assert (resumed["reason"], resumed["message"]) == (None, None)
    await carrying.until_state(rollout, "OFFERED")
    error = (await ours.data(RESUME, id=rollout))["userErrors"][0]
    assert (error["code"], error["field"]) == ("INVALID_STATE", "rolloutId")


async def test_a_wave_is_promoted_by_hand_where_the_plan_says_so(
    ours: Client, carrying: Carrying
) -> None:
    await carrying.online("a", "b")
    rollout = await started(ours, {"waves": [{"count": 1}, {"share": 1.0}], "automatic": False})
    error = (await ours.data(PROMOTE, id=rollout))["userErrors"][0]
    assert error["code"] == "INVALID_STATE"
    found = await carrying.until_state(rollout, "OFFERED")
    await carrying.say(rollout, update_of(found, "OFFERED")["deviceId"], Reported.CONFIRMED)
    await carrying.until(rollout, lambda found: found["phase"] == "DECIDING")
    promoted = await done(ours, PROMOTE, id=rollout)
    assert promoted["waves"][0]["promotedBy"] == ours.context.caller.actor
    assert promoted["evidence"]["tally"]["confirmed"] == 1
    await carrying.until(rollout, lambda found: found["wave"] == 2)


async def test_what_is_installed_is_taken_back_where_an_abort_says_so(
    ours: Client, carrying: Carrying
) -> None:
    ids = await carrying.online("a")
    rollout = await started(ours, ONE_WAVE)
    await carrying.until_state(rollout, "OFFERED")
    await carrying.say(rollout, ids["a"], Reported.CONFIRMED)
    await carrying.until_status(rollout, "COMPLETED")
    assert (await done(ours, ABORT, id=rollout, revert=True))["status"] == "ROLLING_BACK"
    await carrying.until_state(rollout, "REVERTING")
    await carrying.say(rollout, ids["a"], Reported.REVERTED)
    found = await carrying.until_status(rollout, "ROLLED_BACK")
    assert states(found) == {"REVERTED": 1}
    assert (await ours.data(DEVICE, d=ids["a"]))["installedBy"] is None


async def test_failures_are_tried_again_all_of_them_or_those_named(
    ours: Client, carrying: Carrying
) -> None:
    ids = await carrying.online("a", "b")
    rollout = await started(ours, ONE_WAVE)
    await carrying.until_state(rollout, "OFFERED", 2)
    for id in ids.values():
        await carrying.say(rollout, id, Reported.FAILED, Problem.CRASHED)
    found = await ours.data(ROLLOUT, id=rollout)
    assert {one["problem"] for one in found["updates"]["nodes"]} == {None}
    assert states(found) == {"FAILED": 2}
    assert states(await done(ours, RETRY, id=rollout, d=[ids["a"]])) == {"QUEUED": 1, "FAILED": 1}
    assert states(await done(ours, RETRY, id=rollout)) == {"QUEUED": 2}
    found = await carrying.until_state(rollout, "OFFERED", 2)
    assert {one["attempt"] for one in found["updates"]["nodes"]} == {2}


async def test_a_device_is_let_go_before_its_wave(ours: Client, carrying: Carrying) -> None:
    await carrying.online("a", "b")
    rollout = await started(ours, {"waves": [{"count": 1}, {"share": 1.0}]})
    error = (await ours.data(FORCE, id=rollout, d=await device(ours, "c")))["userErrors"][0]
    assert error["code"] == "INVALID_STATE"
    found = await carrying.until_state(rollout, "OFFERED")
    waiting = update_of(found, "QUEUED")
    forced = await done(ours, FORCE, id=rollout, d=waiting["deviceId"])
    assert update_of(forced, "QUEUED")["forced"]
    found = await carrying.until_state(rollout, "OFFERED", 2)
    assert (found["wave"], update_of(found, "OFFERED")["wave"] in (1, 2)) == (1, True)
    stranger = await device(ours, "d")
    error = (await ours.data(FORCE, id=rollout, d=stranger))["userErrors"][0]
    assert (error["code"], error["field"]) == ("NOT_FOUND", "deviceId")


async def test_one_key_makes_one_rollout_however_often_it_is_asked(ours: Client) -> None:
    await device(ours, "a")
    given: dict[str, Any] = {
        "name": "once",
        "release": {"components": [{"kind": "CONFIGURATION", "configuration": {"a": 1}}]},
        "target": {"query": {}},
        "key": "once",
    }
    answers = await asyncio.gather(*(ours.data(DRAFT, **given) for _ in range(10)))
    assert not any(answer["userErrors"] for answer in answers)
    assert len({answer["rollout"]["id"] for answer in answers}) == 1
    other = await ours.data(DRAFT, **{**given, "name": "twice"})
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"
    planned = await ours.data(DRAFT, **given, plan={"attempts": 3})
    assert planned["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"
    await done(ours, APPROVE, id=answers[0]["rollout"]["id"])
    again = await ours.data(DRAFT, **given)
    assert (again["rollout"]["id"], again["rollout"]["status"]) == (
        answers[0]["rollout"]["id"],
        "APPROVED",
    )
    assert len((await ours.data(LIST))["nodes"]) == 1


async def test_why_a_device_has_a_release_leads_back_to_who_asked_for_it(
    ours: Client, carrying: Carrying
) -> None:
    ids = await carrying.online("a")
    rollout = await started(ours, ONE_WAVE)
    await carrying.until_state(rollout, "OFFERED")
    await carrying.say(rollout, ids["a"], Reported.CONFIRMED)
    await carrying.until_status(rollout, "COMPLETED")
    why = "query ($id: ID!) { why(id: $id) { kind complete explanation total } }"
    update = (await ours.data(DEVICE, d=ids["a"]))["updates"]["nodes"][0]
    assert update["state"] == "CONFIRMED"
    told = await ours.data(why, id=rollout)
    assert (told["kind"], told["complete"]) == ("Rollout", True)
    nodes = (await ours.data(ROLLOUT, id=rollout))["updates"]["nodes"]
    told = await ours.data(why, id=nodes[0]["id"])
    assert (told["kind"], told["complete"]) == ("Update", True)
    assert "The key “first” approved the rollout “settings”" in told["explanation"]


async def test_viewers_look_and_change_nothing_and_other_tenants_see_nothing(world: World) -> None:
    await device(world.ours, "a")
    made = await draft(world.ours)
    viewer = world.ours.as_role(Role.VIEWER)
    assert await viewer.data(ROLLOUT, id=made["id"]) == made
    assert (await viewer.data(PREVIEW, id=made["id"]))["devices"] == 1
    for document in (APPROVE, ASK, PAUSE, RESUME, PROMOTE, RETRY):
        assert (await viewer.data(document, id=made["id"]))["userErrors"][0]["code"] == "FORBIDDEN"
        theirs = await world.theirs.data(document, id=made["id"])
        assert theirs["userErrors"][0]["code"] == "NOT_FOUND"
    assert await world.theirs.data(ROLLOUT, id=made["id"]) is None
    assert (await world.theirs.data(LIST))["nodes"] == []
