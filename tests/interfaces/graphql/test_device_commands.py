"""Commands to devices, and writes of twins: good ones, bad ones, many at once."""

import asyncio
from typing import Any

import pytest

from domain.principal import Role
from edge.protocol.commands import AnswerStatus
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import Speaking, device
from tests.interfaces.graphql.test_devices import SET
from tests.interfaces.graphql.world import World

SEND = """mutation ($d: ID!, $kind: DeviceCommandKind! = PING, $arguments: JSON, $s: Int! = 60,
                    $key: String) {
  deviceCommandSend(deviceId: $d, kind: $kind, arguments: $arguments, expiresIn: $s,
                    idempotencyKey: $key) {
    deviceCommand { id deviceId kind arguments status result error sentBy expiresAt endedAt }
    eventPosition userErrors { field message code } } }"""
COMMAND = """query ($c: ID!, $at: Moment) { deviceCommand(id: $c, asOf: $at) {
  id kind status result error endedAt } }"""
COMMANDS = """query ($d: ID!) { device(id: $d) { commands(first: 50) { nodes { id status } } } }"""


async def sent(client: Client, lamp: str, **given: Any) -> Any:
    payload = await client.data(SEND, d=lamp, **given)
    assert not payload["userErrors"], payload
    return payload["deviceCommand"]


async def test_a_command_waits_until_it_is_answered(ours: Client) -> None:
    lamp = await device(ours)
    command = await sent(ours, lamp, kind="DIAGNOSE", arguments={"diagnostic": "DISK"})
    assert (command["status"], command["deviceId"]) == ("SENT", lamp)
    assert command["arguments"] == {"diagnostic": "DISK"}
    await Speaking(ours, lamp).answer(command["id"], AnswerStatus.SUCCEEDED, free=5)
    found = await ours.data(COMMAND, c=command["id"])
    assert (found["status"], found["result"], found["error"]) == ("SUCCEEDED", {"free": 5}, None)
    assert found["endedAt"] is not None


async def test_a_command_is_shown_as_it_was(ours: Client) -> None:
    lamp = await device(ours)
    command = await sent(ours, lamp)
    head = int((await ours.data("{ system { head } }"))["head"])
    await Speaking(ours, lamp).answer(command["id"], AnswerStatus.FAILED)
    then = await ours.data(COMMAND, c=command["id"], at={"position": head})
    assert (then["status"], then["error"]) == ("SENT", None)
    assert await ours.data(COMMAND, c=command["id"], at={"position": 0}) is None
    now = await ours.data(COMMAND, c=command["id"])
    assert (now["status"], now["error"]) == ("FAILED", "it did not work")


LOGS = """query ($c: ID!) { deviceCommand(id: $c) { logs { sha256 bytes downloadUrl } } }"""


async def test_logs_that_a_device_uploaded_have_a_link_for_operators(ours: Client) -> None:
    lamp = await device(ours)
    command = (await sent(ours, lamp, kind="COLLECT_LOGS"))["id"]
    assert await ours.data(LOGS, c=command) == {"logs": None}
    answer = {"sha256": "ab" * 32, "bytes": 5, "lines": 1}
    await Speaking(ours, lamp).answer(command, AnswerStatus.SUCCEEDED, **answer)
    logs = (await ours.data(LOGS, c=command))["logs"]
    assert (logs["sha256"], logs["bytes"]) == ("ab" * 32, 5)
    assert logs["downloadUrl"].startswith("http://edgewise.test/")
    assert (await ours.as_role(Role.VIEWER).ask(LOGS, c=command)).code == "FORBIDDEN"


@pytest.mark.parametrize(
    "answer",
    [{}, {"sha256": "../etc", "bytes": 1}, {"sha256": 5, "bytes": 1}, {"sha256": "ab" * 32}],
)
async def test_an_answer_that_names_no_logs_has_none(ours: Client, answer: dict[str, Any]) -> None:
    lamp = await device(ours)
    command = (await sent(ours, lamp, kind="COLLECT_LOGS"))["id"]
    await Speaking(ours, lamp).answer(command, AnswerStatus.SUCCEEDED, **answer)
    assert await ours.data(LOGS, c=command) == {"logs": None}


async def test_an_answer_that_comes_twice_changes_nothing(ours: Client) -> None:
    lamp = await device(ours)
    command, speaking = await sent(ours, lamp), Speaking(ours, lamp)
    await speaking.answer(command["id"], AnswerStatus.SUCCEEDED, n=1)
    await speaking.answer(command["id"], AnswerStatus.FAILED, n=2)
    assert (await ours.data(COMMAND, c=command["id"]))["result"] == {"n": 1}


async def test_an_answer_to_another_devices_command_changes_nothing(ours: Client) -> None:
    lamp, other = await device(ours, "lamp"), await device(ours, "other")
    command = await sent(ours, lamp)
    await Speaking(ours, other).answer(command["id"], AnswerStatus.SUCCEEDED)
    assert (await ours.data(COMMAND, c=command["id"]))["status"] == "SENT"


async def test_the_same_request_again_is_the_same_command_also_after_its_answer(
    ours: Client,
) -> None:
    lamp = await device(ours)
    first = await sent(ours, lamp, key="once")
    assert (await sent(ours, lamp, key="once"))["id"] == first["id"]
    await Speaking(ours, lamp).answer(first["id"], AnswerStatus.SUCCEEDED)
    assert (await sent(ours, lamp, key="once"))["status"] == "SUCCEEDED"
    assert len((await ours.data(COMMANDS, d=lamp))["commands"]["nodes"]) == 1
    other = await ours.data(SEND, d=lamp, kind="RESTART_RUNTIME", key="once")
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


async def test_a_key_means_another_command_on_another_device(ours: Client) -> None:
    lamp, other = await device(ours, "lamp"), await device(ours, "other")
    assert (await sent(ours, lamp, key="k"))["id"] != (await sent(ours, other, key="k"))["id"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"s": 0}, "expiresIn"),
        ({"s": -1}, "expiresIn"),
        ({"s": 2**31 - 1}, "expiresIn"),
        ({"arguments": []}, "arguments"),
        ({"arguments": "ping"}, "arguments"),
        ({"arguments": {"x": 1}}, "arguments.x"),
        ({"kind": "DIAGNOSE"}, "arguments.diagnostic"),
        ({"kind": "DIAGNOSE", "arguments": {"diagnostic": "sh -c ls"}}, "arguments.diagnostic"),
        ({"kind": "DIAGNOSE", "arguments": {"diagnostic": {}}}, "arguments.diagnostic"),
        ({"kind": "COLLECT_LOGS", "arguments": {"lines": True}}, "arguments.lines"),
        ({"kind": "COLLECT_LOGS", "arguments": {"lines": 10**9}}, "arguments.lines"),
        ({"kind": "SET_CONFIGURATION"}, "arguments.configuration"),
        (
            {
                "kind": "SET_CONFIGURATION",
                "arguments": {"configuration": {"x": float("nan")}},
            },
            "arguments",
        ),
        (
            {"kind": "SET_CONFIGURATION", "arguments": {"configuration": {"x": "y" * 20_000}}},
            "arguments",
        ),
        (
            {"kind": "SET_CONFIGURATION", "arguments": {"configuration": {"x": "\ud800"}}},
            "arguments",
        ),
        ({"key": "\0"}, "idempotencyKey"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_its_field(
    ours: Client, given: dict[str, Any], field: str
) -> None:
    lamp = await device(ours)
    payload = await ours.data(SEND, d=lamp, **given)
    error = payload["userErrors"][0]
    assert (error["code"], error["field"]) == ("INVALID", field)
    assert (await ours.data(COMMANDS, d=lamp))["commands"]["nodes"] == []


async def test_a_configuration_10_000_deep_is_refused(ours: Client) -> None:
    lamp = await device(ours)
    arguments = {"configuration": nested(10_000)}
    payload = await ours.data(SEND, d=lamp, kind="SET_CONFIGURATION", arguments=arguments)
    assert payload["userErrors"][0]["code"] == "INVALID"


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([], "INVALID"),
        ("x", "INVALID"),
        (5, "INVALID"),
        ({"x": float("nan")}, "INVALID"),
        ({"x": float("inf")}, "INVALID"),
        ({"x": 2**60}, "INVALID"),
        ({"x": "\ud800"}, "INVALID"),
        ({"x": "y" * 9_000}, "TOO_LARGE"),
        ({f"k{n}": n for n in range(2_000)}, "TOO_LARGE"),
    ],
)
async def test_a_patch_that_no_document_could_hold_is_refused(
    ours: Client, patch: Any, code: str
) -> None:
    lamp = await device(ours)
    payload = await ours.data(SET, d=lamp, patch=patch)
    error = payload["userErrors"][0]
    assert (error["code"], error["field"]) == (code, "patch")


async def test_a_patch_10_000_deep_is_refused(ours: Client) -> None:
    payload = await ours.data(SET, d=await device(ours), patch=nested(10_000))
    assert payload["userErrors"][0]["code"] == "INVALID"
    assert payload["userErrors"][0]["field"] == "patch"


async def test_strange_members_are_members(ours: Client) -> None:
    lamp = await device(ours)
    patch = {"": 1, "a.b": 2, "__proto__": {"x": 1}, "é\u202e": 3, "nul\0": "\0"}
    payload = await ours.data(SET, d=lamp, patch=patch)
    shown = {name.replace("\0", "\ufffd"): value for name, value in patch.items()}
    assert payload["device"]["twin"]["desired"] == {**shown, "nul\ufffd": "\ufffd"}


async def test_of_twenty_writes_from_the_same_version_exactly_one_wins(ours: Client) -> None:
    lamp = await device(ours)
    await ours.data(SET, d=lamp, patch={"n": -1})
    answers = await asyncio.gather(
        *(ours.data(SET, d=lamp, patch={"n": number}, v=1) for number in range(20))
    )
    won = [answer for answer in answers if not answer["userErrors"]]
    lost = [error for answer in answers for error in answer["userErrors"]]
    assert len(won) == 1
    assert {(error["code"], error["field"]) for error in lost} == {("CONFLICT", "version")}
    assert won[0]["device"]["twin"]["desiredVersion"] == 2


async def test_of_twenty_writes_that_name_no_version_none_is_lost(ours: Client) -> None:
    lamp = await device(ours)
    answers = await asyncio.gather(
        *(ours.data(SET, d=lamp, patch={f"k{number}": number}) for number in range(20))
    )
    assert not any(answer["userErrors"] for answer in answers)
    last = await ours.data(SET, d=lamp, patch={})
    assert last["device"]["twin"]["desired"] == {f"k{n}": n for n in range(20)}
    assert last["device"]["twin"]["desiredVersion"] == 20


async def test_a_viewer_sends_nothing_and_a_foreign_device_is_not_found(world: World) -> None:
    lamp = await device(world.ours)
    payload = await world.ours.as_role(Role.VIEWER).data(SEND, d=lamp)
    assert payload["userErrors"][0]["code"] == "FORBIDDEN"
    payload = await world.theirs.data(SEND, d=lamp)
    assert payload["userErrors"][0]["code"] == "NOT_FOUND"
    command = await sent(world.ours, lamp)
    assert await world.theirs.data(COMMAND, c=command["id"]) is None


async def test_why_a_device_has_a_command_leads_from_its_answer_to_who_sent_it(
    ours: Client,
) -> None:
    lamp = await device(ours)
    command = await sent(ours, lamp)
    await Speaking(ours, lamp).answer(command["id"], AnswerStatus.FAILED)
    why = await ours.data("query ($id: ID!) { why(id: $id) { explanation } }", id=lamp)
    assert "as failed: it did not work." in why["explanation"]
    assert "sent the command PING to the device “lamp”." in why["explanation"]


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = {"x": document}
    return document
