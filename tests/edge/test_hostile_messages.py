"""What a device makes of messages that no platform of ours would send: counted, logged, dropped."""

import json

import pytest

from edge.protocol.commands import AnswerStatus, CommandKind
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent

GOOD = {
    "v": 1,
    "id": "7b0e1a3c-9a4e-4b57-8c1c-1d2e3f405162",
    "ts": 1.0,
    "boot_id": "7b0e1a3c-9a4e-4b57-8c1c-1d2e3f405163",
    "seq": 1,
    "body": {},
}
DEEP = '{"v":1,"body":' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}"
HOSTILE = {
    "no JSON": b"\xff\xfe",
    "NaN": json.dumps(GOOD | {"ts": float("nan")}).encode(),
    "deep": DEEP.encode()[:32_000],
    "10,000 keys deep": json.dumps(GOOD)[:-3].encode() + b'"a":' + b'{"k":' * 5_000,
    "40 KB": json.dumps(GOOD | {"body": {"pad": "x" * 40_000}}).encode(),
    "a future version": json.dumps(GOOD | {"v": 2}).encode(),
    "no body": json.dumps({**GOOD, "body": None}).encode(),
    "a key twice": b'{"v":1,"v":1}',
    "an empty message": b"",
}


@pytest.fixture
def online(agent: RunningAgent, platform: TestPlatform) -> RunningAgent:
    agent.start()
    agent.online()
    return agent


def test_hostile_payloads_on_every_topic_are_dropped_and_the_agent_goes_on(
    online: RunningAgent, platform: TestPlatform
) -> None:
    address = platform.device.address
    boot = online.status()["boot_id"]
    for topic in (address.delta, address.taken, address.clock, address.request("x")):
        for payload in HOSTILE.values():
            platform.mqtt.say_raw(topic, payload)
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED
    status = online.status()
    assert status["boot_id"] == boot
    assert status["link"]["connections"] == 1
    assert sum(status["link"]["dropped_messages"].values()) == 4 * len(HOSTILE)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"version": "3", "desired": {}, "reported_version": 0},
        {"version": 10**30, "desired": {}, "reported_version": 0},
        {"version": 3, "desired": [], "reported_version": 0},
        {"version": 3, "desired": {}, "reported_version": True},
        {"log": "no", "ranges": [[1, 2]]},
        {"log": GOOD["id"], "ranges": [[2, 1], [0, 5], ["a", "b"], [1]]},
        {"statement": None},
        {"statement": {"payload": "!", "signatures": [{}], "payloadType": 3}},
        {"statement": {"payload": "e30=", "signatures": "abc", "payloadType": "x"}},
    ],
)
def test_bodies_that_make_no_sense_are_dropped(
    online: RunningAgent, platform: TestPlatform, body: dict[str, object]
) -> None:
    address = platform.device.address
    for topic in (address.delta, address.taken, address.clock, address.request("x")):
        platform.mqtt.say(topic, body)
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED
    assert all(not one["restarts"] for one in online.status()["modules"].values())
