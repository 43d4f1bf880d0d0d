"""Pushing files with our own client, while servers and clients are killed."""

import hashlib
import os
from pathlib import Path
from threading import Thread

import pytest

from interfaces.cli.tus_client import FileChanged, PushLost, PushRefused, push
from tests.interfaces.tus_caller import MB, Caller
from tests.patience import eventually
from tests.upload_services import Server, lasting_server, server, uploads_url  # noqa: F401


@pytest.fixture
def caller(lasting_server: Server) -> Caller:  # noqa: F811
    return Caller(lasting_server)


def test_a_push_goes_on_after_the_server_was_killed(
    server: Server,  # noqa: F811
    tmp_path: Path,
) -> None:
    content = os.urandom(150 * MB)
    path = tmp_path / "large.onnx"
    path.write_bytes(content)
    caller = Caller(server)
    killed: list[int] = []

    def kill_once(sent: int, size: int) -> None:
        if sent > 110 * MB and not killed:
            killed.append(sent)
            server.kill()
            Thread(target=server.start).start()

    pushed = push(
        server.url, caller.token, path, "MODEL", state_folder=tmp_path, progress=kill_once,
        request_bytes=100 * MB,
    )  # fmt: skip
    assert killed
    assert pushed.sha256 == hashlib.sha256(content).hexdigest()
    stored = server.folder / "blobs" / str(caller.tenant) / pushed.sha256[:2] / pushed.sha256
    assert stored.read_bytes() == content
    assert not [path for path in (server.folder / "staging").rglob("*") if path.is_file()]
    assert peak_memory_mb(server) < 150


def test_acknowledged_bytes_survive_a_kill_in_the_middle_of_a_request(
    server: Server,  # noqa: F811
) -> None:
    caller, content = Caller(server), os.urandom(70 * MB)
    url = caller.created(len(content))
    assert caller.patch(url, 0, content[: 3 * MB]).status_code == 204
    connection = caller.open_patch(url, 3 * MB, len(content) - 3 * MB)
    connection.sendall(content[3 * MB : 60 * MB])
    eventually(lambda: caller.offset(url) == 35 * MB)
    server.kill()
    connection.close()
    server.start()
    offset = caller.offset(url)
    assert offset == 35 * MB
    done = caller.patch(url, offset, content[offset:])
    assert done.headers["Upload-Sha256"] == hashlib.sha256(content).hexdigest()


def peak_memory_mb(server: Server) -> int:  # noqa: F811
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


class Interrupted(Exception):
    pass


def interrupted(sent: int, size: int) -> None:
    if sent >= 6 * MB:
        raise Interrupted


def test_a_second_push_of_the_same_file_goes_on_where_the_first_was_interrupted(
    caller: Caller, tmp_path: Path
) -> None:
    path, state = tmp_path / "model.onnx", tmp_path / "state"
    path.write_bytes(os.urandom(8 * MB))
    again = {"state_folder": state, "request_bytes": 2 * MB}
    with pytest.raises(Interrupted):
        push(caller.server.url, caller.token, path, "MODEL", progress=interrupted, **again)  # type: ignore[arg-type]
    pushed = push(caller.server.url, caller.token, path, "MODEL", **again)  # type: ignore[arg-type]
    assert pushed.resumed_at >= 4 * MB
    assert pushed.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    fresh = push(caller.server.url, caller.token, path, "MODEL", **again)  # type: ignore[arg-type]
    assert fresh.resumed_at == 0
    assert fresh.upload_id != pushed.upload_id


def test_a_file_that_changes_under_the_push_is_not_mixed(caller: Caller, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(4 * MB))

    def change(sent: int, size: int) -> None:
        if sent == 2 * MB:
            path.write_bytes(b"\x01" * 4 * MB)

    with pytest.raises(FileChanged):
        push(
            caller.server.url, caller.token, path, "MODEL", state_folder=tmp_path / "state",
            progress=change, request_bytes=2 * MB,
        )  # fmt: skip


def test_a_push_that_the_server_refuses_says_why(caller: Caller, tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    with pytest.raises(PushRefused) as refused:
        push(caller.server.url, caller.token, path, "MODEL", state_folder=tmp_path)
    assert (refused.value.status, refused.value.field) == (400, "Upload-Length")


def test_a_push_to_nobody_gives_up(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x")
    with pytest.raises(PushLost):
        push("http://127.0.0.1:9", "t", path, "MODEL", state_folder=tmp_path, most_tries=2)
