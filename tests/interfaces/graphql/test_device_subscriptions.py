"""Devices live: by position, nothing missed, nothing told twice."""

import asyncio
from typing import Any

import pytest

from edge.protocol.commands import AnswerStatus
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import Speaking, device
from tests.interfaces.graphql.test_device_commands import sent
from tests.interfaces.graphql.test_devices import DECOMMISSION, SET
from tests.interfaces.graphql.test_subscriptions import _all, _take
from tests.interfaces.graphql.world import World
from tests.patience import PATIENCE

CHANGED = """subscription ($d: ID!, $after: BigInt) { deviceChanged(deviceId: $d, after: $after) {
  device { name online twin { desiredVersion delta } } event { topic position } } }"""
FLEET = """subscription ($after: BigInt) { devicesChanged(after: $after) {
  device { name online twin { desiredVersion } } event { topic position } } }"""
PROGRESS = """subscription ($c: ID!, $after: BigInt) {
  deviceCommandProgressed(commandId: $c, after: $after) { id status result position changed } }"""


async def test_a_change_is_told_with_the_device_as_it_left_it(ours: Client) -> None:
    lamp = await device(ours)
    speaking = Speaking(ours, lamp)
    await speaking.online()
    await ours.data(SET, d=lamp, patch={"a": 1})
    await speaking.report(1, a=1)
    await speaking.offline()
    told = await _take(ours.subscribe(CHANGED, d=lamp, after=0), 6)
    assert [
        (
            change["event"]["topic"].removeprefix("device."),
            change["device"]["online"],
            change["device"]["twin"],
        )
        for change in told
    ] == [
        ("registered", False, {"desiredVersion": 0, "delta": {}}),
        ("certificate-issued", False, {"desiredVersion": 0, "delta": {}}),
        ("came-online", True, {"desiredVersion": 0, "delta": {}}),
        ("desired-changed", True, {"desiredVersion": 1, "delta": {"a": 1}}),
        ("reported-changed", True, {"desiredVersion": 1, "delta": {}}),
        ("went-offline", False, {"desiredVersion": 1, "delta": {}}),
    ]


async def test_it_completes_when_the_device_is_decommissioned(ours: Client) -> None:
    lamp = await device(ours)
    told = asyncio.ensure_future(_all(ours.subscribe(CHANGED, d=lamp)))
    await ours.followed()
    payload = await ours.data(DECOMMISSION, d=lamp)
    assert [change["event"]["topic"] for change in await told] == [
        "device.certificates-revoked",
        "device.decommissioned",
    ]
    assert await _all(ours.subscribe(CHANGED, d=lamp, after=payload["eventPosition"])) == []


async def test_the_whole_fleet_is_told_of_and_no_other_tenants(world: World) -> None:
    ours = world.ours
    lamp, camera = await device(ours, "lamp"), await device(ours, "camera")
    await Speaking(world.theirs, await device(world.theirs, "theirs")).online()
    await Speaking(ours, lamp).online()
    await Speaking(ours, camera).online()
    await ours.register("a model is no device")
    await ours.data(SET, d=lamp, patch={"a": 1})
    told = await _take(ours.subscribe(FLEET, after=0), 7)
    names = [(change["device"]["name"], change["device"]["online"]) for change in told]
    assert names[4:] == [("lamp", True), ("camera", True), ("lamp", True)]
    assert [change["device"]["online"] for change in told[:4]] == [False] * 4
    assert told[-1]["device"]["twin"] == {"desiredVersion": 1}
    positions = [change["event"]["position"] for change in told]
    assert positions == sorted(set(positions))


async def test_who_comes_back_after_a_position_misses_nothing_of_the_fleet(ours: Client) -> None:
    lamp = await device(ours)
    speaking, seen = Speaking(ours, lamp), []
    for version in range(1, 5):
        await speaking.report(version, n=version)
        results = ours.subscribe(FLEET, after=seen[-1] if seen else 0)
        seen += [one["event"]["position"] for one in await _take(results, 1)]
        await results.aclose()  # type: ignore[attr-defined]
    rest = await _take(ours.subscribe(FLEET, after=seen[-1]), 2)
    seen += [one["event"]["position"] for one in rest]
    stored = await ours.data(
        "query ($d: ID!) { events(first: 100, of: $d) { nodes { position } } }", d=lamp
    )
    assert seen == [event["position"] for event in stored["nodes"]]


async def test_a_name_taken_again_is_another_device_to_the_fleet(ours: Client) -> None:
    await ours.data(DECOMMISSION, d=await device(ours, "lamp"))
    await device(ours, "lamp")
    told = await _take(ours.subscribe(FLEET, after=0), 6)
    assert [change["event"]["topic"].removeprefix("device.") for change in told] == [
        "registered",
        "certificate-issued",
        "certificates-revoked",
        "decommissioned",
        "registered",
        "certificate-issued",
    ]


async def test_a_command_is_told_of_until_it_has_ended(ours: Client) -> None:
    lamp = await device(ours)
    command, other = await sent(ours, lamp), await sent(ours, lamp)
    told = asyncio.ensure_future(_all(ours.subscribe(PROGRESS, c=command["id"], after=0)))
    speaking = Speaking(ours, lamp)
    await speaking.answer(other["id"], AnswerStatus.FAILED)
    await speaking.answer(command["id"], AnswerStatus.SUCCEEDED, n=1)
    async with asyncio.timeout(PATIENCE):
        steps = await told
    assert [(step["id"], step["status"], step["result"]) for step in steps] == [
        (command["id"], "SENT", None),
        (command["id"], "SUCCEEDED", {"n": 1}),
    ]
    after = steps[-1]["changed"]
    assert await _all(ours.subscribe(PROGRESS, c=command["id"], after=after)) == []
    assert len(await _all(ours.subscribe(PROGRESS, c=command["id"], after=after - 1))) == 1


async def test_a_command_of_a_device_that_is_decommissioned_has_ended(ours: Client) -> None:
    lamp = await device(ours)
    command = await sent(ours, lamp)
    await ours.data(DECOMMISSION, d=lamp)
    told = await _all(ours.subscribe(PROGRESS, c=command["id"], after=0))
    assert [step["status"] for step in told] == ["SENT", "EXPIRED"]


@pytest.mark.parametrize("after", [-1, 10**9, 2**53 - 1])
async def test_a_position_that_was_never_given_is_refused(ours: Client, after: int) -> None:
    lamp = await device(ours)
    command = (await sent(ours, lamp))["id"]
    given: list[tuple[str, dict[str, Any]]] = [
        (CHANGED, {"d": lamp}),
        (FLEET, {}),
        (PROGRESS, {"c": command}),
    ]
    for query, ids in given:
        asked = await anext(ours.subscribe(query, after=after, **ids))
        assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "after")
