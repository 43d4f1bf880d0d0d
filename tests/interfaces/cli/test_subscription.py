"""A subscription goes on after a cut: nothing is missed, nothing is told twice."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.server import Server as WebSocketServer
from websockets.sync.server import ServerConnection, serve

from interfaces.cli import subscription
from interfaces.cli.connection import Server
from interfaces.cli.refused import CommandRefused, ServerAway
from interfaces.cli.subscription import follow

Handler = Callable[[ServerConnection], None]
DOCUMENT = "subscription Told($after: BigInt) { told(after: $after) { position } }"


class Peer:
    """The protocol's other side: one behavior for each connection, in order."""

    def __init__(self, *behaviors: "Callable[[Peer, ServerConnection, int | None], None]") -> None:
        self._behaviors = list(behaviors)
        self.init: list[Any] = []
        self.asked_after: list[int | None] = []
        self.pongs = 0

    def __call__(self, socket: ServerConnection) -> None:
        behavior = self._behaviors.pop(0)
        init = json.loads(socket.recv())
        assert init["type"] == "connection_init"
        self.init.append(init["payload"])
        if behavior is refuse_token:
            socket.close(4403, "The API key is unknown or was revoked.")
            return
        socket.send(json.dumps({"type": "connection_ack"}))
        asked = json.loads(socket.recv())
        assert asked["type"] == "subscribe"
        after = asked["payload"]["variables"]["after"]
        self.asked_after.append(after)
        behavior(self, socket, after)


def tell(socket: ServerConnection, position: int | None, **more: Any) -> None:
    data = {"told": {"position": position, **more}}
    socket.send(json.dumps({"id": "1", "type": "next", "payload": {"data": data}}))


def complete(socket: ServerConnection) -> None:
    socket.send(json.dumps({"id": "1", "type": "complete"}))


def refuse_token(peer: Peer, socket: ServerConnection, after: int | None) -> None: ...


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "LONGEST_PAUSE", 0.0)


@pytest.fixture
def listen() -> Iterator[Callable[[Handler], Server]]:
    servers: list[tuple[WebSocketServer, threading.Thread]] = []

    def start(handler: Handler) -> Server:
        server = serve(handler, "127.0.0.1", 0, subprotocols=["graphql-transport-ws"])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return Server(f"http://127.0.0.1:{server.socket.getsockname()[1]}", "secret")

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()


def followed(server: Server, **options: Any) -> Iterator[dict[str, Any]]:
    return follow(server, DOCUMENT, {}, position_of=lambda value: value["position"], **options)


def test_it_signs_in_and_ends_when_the_server_completes(
    listen: Callable[[Handler], Server],
) -> None:
    def behavior(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        tell(socket, 1)
        tell(socket, 2)
        complete(socket)

    peer = Peer(behavior)
    assert [told["position"] for told in followed(listen(peer))] == [1, 2]
    assert peer.init == [{"authorization": "Bearer secret"}]
    assert peer.asked_after == [None]


def test_after_a_cut_it_asks_from_the_last_position(
    listen: Callable[[Handler], Server],
) -> None:
    def first(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        tell(socket, 5)
        tell(socket, None, percent=37)
        tell(socket, 6)
        socket.close(1012)

    def second(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        tell(socket, None, percent=40)
        tell(socket, 6)
        tell(socket, 7)
        complete(socket)

    peer = Peer(first, second)
    told = list(followed(listen(peer), after=4))
    assert [one["position"] for one in told] == [5, None, 6, None, 7]
    assert peer.asked_after == [4, 6]


def test_a_connection_that_breaks_without_a_word_is_a_cut(
    listen: Callable[[Handler], Server],
) -> None:
    def first(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        tell(socket, 1)
        socket.socket.shutdown(2)

    def second(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        complete(socket)

    peer = Peer(first, second)
    cuts: list[str] = []
    assert [one["position"] for one in followed(listen(peer), on_cut=cuts.append)] == [1]
    assert len(cuts) == 1


def test_a_ping_of_the_protocol_is_answered(listen: Callable[[Handler], Server]) -> None:
    answers: list[Any] = []

    def behavior(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        socket.send(json.dumps({"type": "ping"}))
        answers.append(json.loads(socket.recv()))
        complete(socket)

    assert list(followed(listen(Peer(behavior)))) == []
    assert answers == [{"type": "pong"}]


def test_a_refusal_is_not_tried_again(listen: Callable[[Handler], Server]) -> None:
    def behavior(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        error = {
            "message": "There is no such job here.",
            "path": ["told"],
            "extensions": {"code": "NOT_FOUND", "field": "jobId"},
        }
        socket.send(json.dumps({"id": "1", "type": "error", "payload": [error]}))

    with pytest.raises(CommandRefused) as refused:
        list(followed(listen(Peer(behavior))))
    assert (refused.value.code, refused.value.field) == ("NOT_FOUND", "jobId")


def test_errors_beside_data_are_refusals(listen: Callable[[Handler], Server]) -> None:
    def behavior(peer: Peer, socket: ServerConnection, after: int | None) -> None:
        payload = {"data": None, "errors": [{"message": "No.", "extensions": {"code": "INVALID"}}]}
        socket.send(json.dumps({"id": "1", "type": "next", "payload": payload}))

    with pytest.raises(CommandRefused) as refused:
        list(followed(listen(Peer(behavior))))
    assert refused.value.code == "INVALID"


def test_a_wrong_token_is_not_tried_again(listen: Callable[[Handler], Server]) -> None:
    with pytest.raises(CommandRefused) as refused:
        list(followed(listen(Peer(refuse_token))))
    assert refused.value.code == "FORBIDDEN"


def test_a_server_that_stays_away_is_given_up() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cuts: list[str] = []
    with pytest.raises(ServerAway) as away:
        list(followed(Server(f"http://127.0.0.1:{port}", "x"), most_tries=3, on_cut=cuts.append))
    assert away.value.code == "UNAVAILABLE"
    assert len(cuts) == 2
