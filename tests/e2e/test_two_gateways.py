"""Two gateways share what comes from one Mosquitto; one is killed while devices talk, and comes
back as whoever watches over processes brings it back."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.e2e.running import Api, Process
from tests.e2e.test_devices import codes, device, devices, ended, want
from tests.e2e.test_private_mosquitto import _mosquitto, _two_free_ports
from tests.edge.running import RunningAgent
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET
from tests.services.programs import program

AGENTS, PORTIONS, PORTION, KILLED_AT = 2, 12, 2_000, (3, 6, 9)
_READINGS = """
SELECT device_id::text, count(*), count(DISTINCT body ->> 'n') FROM telemetry
WHERE kind = 'reading' GROUP BY device_id
"""
_ANSWERS = """
SELECT convert_from(state, 'UTF8')::jsonb ->> 'command_id' FROM events
WHERE topic = 'device.command-answered'
"""


class Fleet:
    """A platform with a gateway in it, a Mosquitto, and a second gateway beside."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home, self.database_url, self.port = home, database_url, free_port()
        self._broker_port = _two_free_ports()
        self._environment = {"DATABASE_URL": database_url, "EDGEWISE_SECRET": TEST_SECRET}
        self._gateway: Process | None = None
        self._up = self._started(
            f"up --broker mosquitto --port {self.port}",
            "Edgewise is up",
            {"EDGEWISE_MQTT_PORT": str(self._broker_port)},
        )
        token = json.loads((home / "credentials.json").read_text())["token"]
        self.api = Api(f"http://127.0.0.1:{self.port}", token)

    def start_gateway(self) -> None:
        self._gateway = self._started(
            "gateway",
            "gateway ready",
            {
                "MQTT_URL": f"mqtts://127.0.0.1:{self._broker_port + 1}",
                "EDGEWISE_TRUST": str(self.home / "trust-of-the-gateway"),
            },
        )

    def kill_gateway(self) -> None:
        assert self._gateway is not None
        self._gateway.kill()

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def close(self) -> None:
        for process in (self._gateway, self._up):
            if process is not None:
                process.close()
        for pid in _mosquitto(self.home):
            psutil.Process(pid).kill()

    def _started(self, command: str, word: str, more: dict[str, str]) -> Process:
        process = Process(command, self.home, {**self._environment, **more})
        eventually(lambda: word in process.output or not process.running)
        assert process.running, process.output
        return process


@pytest.fixture
def fleet(tmp_path: Path, empty_database_url: str) -> Iterator[Fleet]:
    program("mosquitto", package="mosquitto")
    made = Fleet(tmp_path / "home", empty_database_url)
    yield made
    made.close()


@pytest.fixture
def agents(tmp_path: Path, fleet: Fleet) -> Iterator[list[RunningAgent]]:
    made = [RunningAgent(tmp_path / f"device-{number}") for number in range(AGENTS)]
    for agent, code in zip(made, codes(fleet.api, AGENTS), strict=True):
        agent.home.mkdir()
        agent.join(code, fleet.api.url)
        agent.start()
    eventually(lambda: [one["online"] for one in devices(fleet.api)] == [True] * AGENTS)
    yield made
    for agent in made:
        agent.kill()


@pytest.mark.slow
def test_what_devices_say_while_a_gateway_is_killed_is_there_once(
    fleet: Fleet, agents: list[RunningAgent]
) -> None:
    api, ids, sent = fleet.api, [one["id"] for one in devices(fleet.api)], list[str]()
    fleet.start_gateway()
    for portion in range(PORTIONS):
        sent += [_ping(api, id) for id in ids]
        for id in ids:
            want(api, id, {"configuration": {"telemetry": {"sys_seconds": 60 + portion}}})
        numbers = range(portion * PORTION, (portion + 1) * PORTION)
        lines = "".join(f'{{"kind":"reading","n":{number}}}\n' for number in numbers)
        for agent in agents:
            agent.done("log", "--stdin", given=lines)
        if portion in KILLED_AT:
            fleet.kill_gateway()
        if portion - 1 in KILLED_AT:
            fleet.start_gateway()
    once = PORTIONS * PORTION
    eventually(lambda: [row[2] for row in fleet.rows(_READINGS)] == [once] * AGENTS)
    assert [row[1] for row in fleet.rows(_READINGS)] == [once] * AGENTS
    commands = [eventually(lambda one=one: ended(api, one)) for one in sent]
    assert Counter(one["status"] for one in commands) == {"SUCCEEDED": len(sent)}
    answers = Counter(row[0] for row in fleet.rows(_ANSWERS))
    assert set(answers.values()) == {1}
    for id in ids:
        eventually(lambda id=id: device(api, id)["twin"]["inSync"])
        assert device(api, id)["online"]


def _ping(api: Api, id: str) -> str:
    sent = api.change(
        """mutation($id: ID!) { deviceCommandSend(deviceId: $id, kind: PING, expiresIn: 3600) {
             deviceCommand { id } userErrors { code field message } } }""",
        id=id,
    )
    return str(sent["deviceCommand"]["id"])
