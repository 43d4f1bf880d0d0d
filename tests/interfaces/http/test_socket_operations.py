"""Each operation on a WebSocket has a request id of its own, and is paid for."""

import json
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.interfaces.http.serving import Served
from tests.patience import PATIENCE, eventually

REGISTER = """mutation ($name: String!) {
  modelRegister(name: $name) { eventPosition userErrors { code } } }"""
CAUSES = "{ events(first: 100) { nodes { topic correlationId } } }"


def run(socket: ClientConnection, id: str, query: str, **variables: Any) -> dict[str, Any]:
    """The first answer."""
    asked = {"query": query, "variables": variables}
    socket.send(json.dumps({"id": id, "type": "subscribe", "payload": asked}))
    message: dict[str, Any] = json.loads(socket.recv(timeout=PATIENCE))
    assert (message["id"], message["type"]) == (id, "next"), message
    assert json.loads(socket.recv(timeout=PATIENCE))["type"] == "complete"
    found: dict[str, Any] = message["payload"]
    return found


def test_operations_of_one_connection_are_told_apart_and_paid_for(server: Served) -> None:
    url = server.url.replace("http", "ws") + "/graphql"
    options: dict[str, Any] = {
        "subprotocols": [Subprotocol("graphql-transport-ws")],
        "additional_headers": {"x-request-id": "one-connection"},
        "open_timeout": PATIENCE,
    }
    with connect(url, **options) as socket:
        params = {"authorization": f"Bearer {server.token}"}
        socket.send(json.dumps({"type": "connection_init", "payload": params}))
        assert json.loads(socket.recv(timeout=PATIENCE))["type"] == "connection_ack"
        answers = [run(socket, str(number), REGISTER, name=f"m{number}") for number in (1, 2)]
    assert all(answer["extensions"]["cost"]["requested"] >= 10 for answer in answers)

    def ids() -> list[str]:
        nodes = server.ask(CAUSES)["data"]["events"]["nodes"]
        return [one["correlationId"] for one in nodes if one["topic"] == "model.registered"]

    assert eventually(lambda: ids()[-2:] == ["one-connection.1", "one-connection.2"])
