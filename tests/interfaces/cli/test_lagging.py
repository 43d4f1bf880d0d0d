"""A query whose views lag behind is asked again, as the server says, and not without end."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from interfaces.cli import client as clients
from interfaces.cli.client import Client
from interfaces.cli.connection import Server
from interfaces.cli.refused import CommandRefused

QUERY = "query ($waitFor: BigInt) { models(waitFor: $waitFor) { nodes { id } } }"
LAGGING = {"errors": [{"message": "Ask again.", "extensions": {"code": "PROJECTION_LAGGING"}}]}
CAUGHT_UP = {"data": {"models": {"nodes": []}}}


class Lagging(ThreadingHTTPServer):
    """Answers so many times that it lags, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.times, self.asked = 0, 0


class _Handler(BaseHTTPRequestHandler):
    server: Lagging

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        body = json.dumps(LAGGING if self.server.asked <= self.server.times else CAUGHT_UP)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lagging]:
    monkeypatch.setattr(clients, "PAUSE", 0.0)
    with Lagging() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(lagging: Lagging) -> Iterator[Client]:
    with Client(Server(f"http://127.0.0.1:{lagging.server_port}", "secret")) as client:
        yield client


def test_it_asks_again_until_the_views_have_caught_up(lagging: Lagging, client: Client) -> None:
    lagging.times = 3
    assert client.run(QUERY) == CAUGHT_UP["data"]
    assert lagging.asked == 4


def test_it_gives_up_with_the_servers_own_word(
    lagging: Lagging, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LAG_PATIENCE", 0.0)
    lagging.times = 1_000_000
    with pytest.raises(CommandRefused) as refused:
        client.run(QUERY)
    assert refused.value.code == "PROJECTION_LAGGING"
    assert lagging.asked < 10
