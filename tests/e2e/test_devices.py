"""Devices from a claim to the model that they run: real agents, a real broker, the public API."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import psycopg
import pytest
from onnx import TensorProto, helper

from infrastructure.embedded.postgres import EmbeddedPostgres
from tests.e2e.conftest import Up
from tests.e2e.running import Api
from tests.edge.running import RunningAgent
from tests.patience import eventually

DEVICE = """id name online offlineReason agent certificate { serial }
            twin { desired reported delta inSync }"""


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Callable[[], RunningAgent]]:
    made: list[RunningAgent] = []

    def make() -> RunningAgent:
        agent = RunningAgent(tmp_path / f"device-{len(made)}")
        agent.home.mkdir()
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.kill()


def codes(api: Api, count: int = 1) -> list[str]:
    issued = api.change(
        """mutation($n: Int!) { deviceClaimsIssue(count: $n) {
             claims { code } userErrors { code message } } }""",
        n=count,
    )
    return [claim["code"] for claim in issued["claims"]]


def devices(api: Api) -> list[dict[str, Any]]:
    found = api.run(f"{{ devices(first: 100) {{ nodes {{ {DEVICE} }} }} }}")["devices"]["nodes"]
    return list(found)


def device(api: Api, id: str) -> dict[str, Any]:
    query = f"query($id: ID!) {{ device(id: $id) {{ {DEVICE} }} }}"
    found: dict[str, Any] = api.run(query, id=id)["device"]
    return found


def joined(api: Api, agent: RunningAgent) -> str:
    """The id of the device, which is online then."""
    known = {one["id"] for one in devices(api)}
    agent.join(codes(api)[0], api.url)
    agent.start()
    (new,) = eventually(lambda: [one for one in devices(api) if one["id"] not in known])
    eventually(lambda: device(api, new["id"])["online"])
    return str(new["id"])


def send(api: Api, id: str, kind: str, **arguments: Any) -> dict[str, Any]:
    """The command, once it has ended."""
    sent = api.change(
        """mutation($id: ID!, $kind: DeviceCommandKind!, $arguments: JSON) {
             deviceCommandSend(deviceId: $id, kind: $kind, arguments: $arguments, expiresIn: 600) {
               deviceCommand { id } userErrors { code field message } } }""",
        id=id, kind=kind, arguments=arguments,
    )["deviceCommand"]["id"]  # fmt: skip
    return eventually(lambda: ended(api, sent))


def ended(api: Api, command: str) -> dict[str, Any] | None:
    query = "query($id: ID!) { node(id: $id) { ... on DeviceCommand { status result error } } }"
    found: dict[str, Any] = api.run(query, id=command)["node"]
    return None if found["status"] == "SENT" else found


def want(api: Api, id: str, patch: dict[str, Any]) -> None:
    api.change(
        """mutation($id: ID!, $patch: JSON!) { deviceTwinSet(deviceId: $id, patch: $patch) {
             userErrors { code field message } } }""",
        id=id, patch=patch,
    )  # fmt: skip


def doubling(path: Path) -> Path:
    """y = 2 x on four numbers."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    graph = helper.make_graph(nodes, "doubling", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def test_a_device_joins_takes_a_setting_answers_and_runs_a_model(
    platform: Api, agents: Callable[[], RunningAgent], tmp_path: Path
) -> None:
    agent = agents()
    id = joined(platform, agent)
    assert device(platform, id)["agent"]

    want(platform, id, {"configuration": {"telemetry": {"sys_seconds": 7}}})
    shown = eventually(lambda: (found := device(platform, id))["twin"]["inSync"] and found)
    assert shown["twin"]["reported"]["configuration"]["telemetry"]["sys_seconds"] == 7

    assert send(platform, id, "PING")["status"] == "SUCCEEDED"
    assert send(platform, id, "DIAGNOSE", diagnostic="DISK")["result"]
    logs = send(platform, id, "COLLECT_LOGS", lines=50)
    assert (logs["status"], logs["error"]) == ("SUCCEEDED", None)
    assert logs["result"]["bytes"] > 0

    model = platform.push_model(doubling(tmp_path / "doubling.onnx"), "doubling")
    platform.change(
        """mutation($device: ID!, $artifact: ID!) {
             deviceModelRun(deviceId: $device, artifactId: $artifact) {
               userErrors { code field message } } }""",
        device=id, artifact=model["source"]["id"],
    )  # fmt: skip
    eventually(lambda: device(platform, id)["twin"]["inSync"])
    np.savez(tmp_path / "in.npz", x=np.arange(4, dtype=np.float32)[None])
    agent.done("infer", tmp_path / "in.npz", "-o", tmp_path / "out.npz")
    assert np.load(tmp_path / "out.npz")["y"].tolist() == [[0, 2, 4, 6]]
    agent.done("log", "door.opened", "door=3")
    (told,) = eventually(lambda: telemetry(platform, id, "door.opened"))
    assert (told["source"], told["body"]["door"]) == ("LOG", 3)


def telemetry(api: Api, id: str, kind: str) -> list[dict[str, Any]]:
    query = """query($id: ID!, $kind: String) { device(id: $id) {
                 telemetry(first: 10, kind: $kind) { at source kind body number } } }"""
    found = api.run(query, id=id, kind=kind)["device"]["telemetry"]
    return list(found)


def test_one_that_is_stopped_is_offline_and_one_that_is_killed_is_lost(
    platform: Api, agents: Callable[[], RunningAgent]
) -> None:
    agent = agents()
    id = joined(platform, agent)
    agent.stop()
    eventually(lambda: device(platform, id)["offlineReason"] == "STOPPED")
    agent.start()
    eventually(lambda: device(platform, id)["online"])
    agent.kill()
    eventually(lambda: device(platform, id)["offlineReason"] == "LOST")


def test_what_is_wanted_of_a_device_that_is_away_it_gets_when_it_is_back(
    platform: Api, agents: Callable[[], RunningAgent]
) -> None:
    agent = agents()
    id = joined(platform, agent)
    agent.stop()
    eventually(lambda: not device(platform, id)["online"])
    want(platform, id, {"configuration": {"log": {"level": "DEBUG"}}})
    sent = platform.change(
        """mutation($id: ID!) { deviceCommandSend(deviceId: $id, kind: PING, expiresIn: 600) {
             deviceCommand { id } userErrors { code message } } }""",
        id=id,
    )["deviceCommand"]["id"]
    agent.start()
    assert eventually(lambda: ended(platform, sent))["status"] == "SUCCEEDED"
    eventually(lambda: device(platform, id)["twin"]["inSync"])


def test_a_revoked_device_is_cut_off_and_stays_out(
    platform: Api, agents: Callable[[], RunningAgent]
) -> None:
    agent = agents()
    id = joined(platform, agent)
    platform.change(
        """mutation($id: ID!) { deviceCertificatesRevoke(deviceId: $id, reason: "stolen") {
             userErrors { code message } } }""",
        id=id,
    )
    eventually(lambda: device(platform, id)["offlineReason"] == "CUT_OFF")
    before = device(platform, id)
    agent.kill()
    agent.start()
    agent.status()
    agent.done("log", "still.there")
    assert device(platform, id) == before
    answer = httpx.post(
        f"{platform.url}/devices/certificate", json={"csr": "x"},
        headers={"Authorization": "Edgewise-Device e30="},
    )  # fmt: skip
    assert answer.status_code == 401


def test_a_code_is_good_for_one_device(platform: Api, agents: Callable[[], RunningAgent]) -> None:
    (code,) = codes(platform)
    first, second = agents(), agents()
    first.join(code, platform.url)
    refused = second.tell("join", code, "--server", platform.url)
    assert refused.returncode == 1
    assert "not open" in refused.stderr


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"code": 5}', b'{"code": "x"}', b'{"code":"x","csr":"","facts":1}']
)
def test_a_join_that_makes_no_sense_is_refused_by_the_field(platform: Api, body: bytes) -> None:
    answer = httpx.post(
        f"{platform.url}/devices/join", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 409)
    assert json.loads(answer.text)["error"]["message"]


@pytest.mark.slow
def test_platform_and_broker_may_be_killed_and_the_device_is_back(
    up: Up, agents: Callable[[], RunningAgent]
) -> None:
    api = up.start()
    agent = agents()
    id = joined(api, agent)
    assert up.process is not None
    up.process.kill()
    api = up.start()
    eventually(lambda: agent.status()["online"])
    assert send(api, id, "PING")["status"] == "SUCCEEDED"
    assert device(api, id)["online"]


def readings(up: Up) -> tuple[int, int]:
    """How many events of the agent are at the platform, and how many different ones."""
    with psycopg.connect(EmbeddedPostgres(up.home / "postgres").start()) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT body ->> 'n') FROM telemetry WHERE kind = 'reading'"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.slow
def test_no_event_is_lost_or_doubled_when_agent_gateway_and_broker_are_killed(
    up: Up, agents: Callable[[], RunningAgent]
) -> None:
    """The embedded broker ends with the platform that started it."""
    api = up.start()
    agent = agents()
    joined(api, agent)
    for portion in range(4):
        numbers = range(portion * 5_000, (portion + 1) * 5_000)
        lines = "".join(f'{{"kind":"reading","n":{number}}}\n' for number in numbers)
        agent.done("log", "--stdin", given=lines)
        if portion == 1:
            agent.kill()
            agent.start()
            agent.status()
        if portion == 2:
            assert up.process is not None
            up.process.kill()
            up.start()
    eventually(lambda: readings(up)[1] == 20_000)
    assert readings(up) == (20_000, 20_000)
