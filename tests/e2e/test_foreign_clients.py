"""Clients that nobody here wrote sign in, ask, change, follow, are cut off, and resume.

graphql-ws and urql come from npm, gql and websockets from PyPI. Each is told every event once.
"""

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from gql.transport.websockets_protocol import WebsocketsProtocolTransportBase
from websockets.exceptions import WebSocketException

from tests.e2e.live_client import APPENDED, signed_in
from tests.e2e.running import Api
from tests.patience import PATIENCE
from tests.services.node import installed, node

FOREIGN = Path(__file__).parent / "foreign"
QUERY = "{ viewer { role } }"
REGISTER = """mutation ($name: String!) {
  modelRegister(name: $name, task: OTHER) { eventPosition userErrors { code } } }"""


@pytest.mark.parametrize("script", ["graphql_ws.mjs", "urql.mjs"])
def test_a_client_from_npm(platform: Api, script: str) -> None:
    folder = installed(FOREIGN)
    url = f"ws{platform.url.removeprefix('http')}/graphql"
    for _ in range(3):
        name = f"by {script} {uuid4().hex[:8]}"
        done = subprocess.run(
            [node(), str(folder / script), url, platform.token, name],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if done.returncode != 13:  # Node's: urql loses its wait when a cut comes while it resumes
            break
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["role"] == "OWNER"
    assert found["cuts"] >= 3
    _told_once(platform, found["told"])


async def test_gql_from_pypi(platform: Api) -> None:
    told: list[int] = []
    last = 0
    async with _gql(platform) as session:
        assert (await session.execute(gql(QUERY)))["viewer"]["role"] == "OWNER"
        for number in range(3):
            request = gql(REGISTER)
            request.variable_values = {"name": f"by gql {number} {uuid4().hex[:8]}"}
            last = (await session.execute(request))["modelRegister"]["eventPosition"]
    while not told or told[-1] < last:
        client = _gql(platform)
        try:
            async with client as session:
                request = gql(APPENDED)
                request.variable_values = {"after": told[-1] if told else 0}
                async for data in session.subscribe(request):
                    told.append(data["eventsAppended"]["position"])
                    if told[-1] >= last:
                        break
                    if len(told) % 3 == 0:
                        _cut(client.transport)
        except (TransportError, WebSocketException, OSError):
            continue
    _told_once(platform, told)


async def test_websockets_from_pypi(platform: Api) -> None:
    told: list[int] = []
    last = 0
    async with signed_in(platform.url, platform.token) as live:
        assert (await live.run(QUERY))["data"]["viewer"]["role"] == "OWNER"
        await live.say(type="ping", payload={"any": "thing"})
        assert (await live.hear())["type"] == "pong"
        for number in range(3):
            name = f"by websockets {number} {uuid4().hex[:8]}"
            answer = await live.run(REGISTER, name=name)
            last = answer["data"]["modelRegister"]["eventPosition"]
    while not told or told[-1] < last:
        async with signed_in(platform.url, platform.token) as live:
            await live.subscribe(APPENDED, after=told[-1] if told else 0)
            for _ in range(3):
                message = await live.hear()
                told.append(message["payload"]["data"]["eventsAppended"]["position"])
                if told[-1] >= last:
                    break
            live.cut()
    _told_once(platform, told)


def _gql(platform: Api) -> Any:
    url = f"ws{platform.url.removeprefix('http')}/graphql"
    transport = WebsocketsTransport(
        url=url,
        init_payload={"Authorization": f"Bearer {platform.token}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        ping_interval=1,
        connect_args={"proxy": None},
    )
    return Client(transport=transport, fetch_schema_from_transport=False)


def _cut(transport: WebsocketsProtocolTransportBase) -> None:
    """The cable is pulled below the client."""
    adapter: Any = transport.adapter
    adapter.websocket.transport.abort()


def _told_once(platform: Api, told: list[int]) -> None:
    written: list[int] = []
    while True:
        page = platform.run(
            """query ($after: BigInt) { events(first: 100, after: $after) {
                 nodes { position } hasNextPage } }""",
            after=written[-1] if written else 0,
        )["events"]
        written += [node["position"] for node in page["nodes"]]
        if not page["hasNextPage"]:
            break
    assert told == written[: len(told)]
    assert len(told) > 9
