"""A download goes on where it was cut, and only the right bytes get the file's name."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interfaces.cli import download
from interfaces.cli.client import Client
from interfaces.cli.connection import Server
from interfaces.cli.download import fetch
from interfaces.cli.refused import CommandRefused, ServerAway

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Files(ThreadingHTTPServer):
    """Serves CONTENT with Range, cut after `cuts[n]` bytes of the n-th request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cuts: list[int] = []
        self.ranges: list[str | None] = []
        self.status: int | None = None


class _Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.server.status:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body = CONTENT[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.wfile.write(body[:cut])

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LONGEST_PAUSE", 0.0)


@pytest.fixture
def files() -> Iterator[Files]:
    with Files() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(files: Files) -> Iterator[Client]:
    with Client(Server(f"http://127.0.0.1:{files.server_port}", "secret")) as client:
        yield client


def wanted(**more: Any) -> dict[str, Any]:
    file = {"downloadUrl": "/downloads/x/m", "sha256": SHA256, "bytes": len(CONTENT), "path": "m"}
    return {**file, **more}


def test_it_writes_the_bytes_and_leaves_no_part(
    client: Client, files: Files, tmp_path: Path
) -> None:
    path = fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    assert files.ranges == [None]


def test_after_a_cut_it_asks_for_the_rest(client: Client, files: Files, tmp_path: Path) -> None:
    files.cuts = [1000, 5000]
    path = fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert path.read_bytes() == CONTENT
    assert files.ranges == [None, "bytes=1000-", "bytes=6000-"]


def test_what_an_earlier_run_left_is_gone_on_with(
    client: Client, files: Files, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx.part").write_bytes(CONTENT[:300])
    fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert files.ranges == ["bytes=300-"]


def test_wrong_bytes_never_get_the_name(client: Client, files: Files, tmp_path: Path) -> None:
    (tmp_path / "model.onnx.part").write_bytes(b"x" * 300)
    with pytest.raises(CommandRefused) as refused:
        fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert refused.value.code == "CHECKSUM"
    assert list(tmp_path.iterdir()) == []


def test_an_expired_url_is_a_refusal(client: Client, files: Files, tmp_path: Path) -> None:
    files.status = 410
    with pytest.raises(CommandRefused) as refused:
        fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert refused.value.code == "HTTP_410"


def test_a_server_that_brings_nothing_is_given_up(
    client: Client, files: Files, tmp_path: Path
) -> None:
    files.cuts = [0] * 50
    with pytest.raises(ServerAway):
        fetch(client, wanted(), tmp_path / "model.onnx", lambda held: None)
    assert len(files.ranges) == download.MOST_TRIES
