"""A full disk is told as such, loses nothing that was acknowledged, and is no end of an upload."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from interfaces.cli.tus_client import PushRefused, push
from tests.interfaces.tus_caller import MB, Caller
from tests.services.daemon import free_port
from tests.upload_services import Server, server, uploads_url  # noqa: F401


def stored(server: Server, caller: Caller, sha256: str) -> bytes:  # noqa: F811
    return (server.folder / "blobs" / str(caller.tenant) / sha256[:2] / sha256).read_bytes()


def staged_bytes(server: Server) -> int:  # noqa: F811
    staging = server.folder / "staging"
    return sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())


def test_a_push_that_meets_a_limit_is_told_so_and_goes_on_once_there_is_room(
    server: Server,  # noqa: F811
    tmp_path: Path,
) -> None:
    """The limit is one on the size of files, which anybody may set for a process of their own."""
    caller, path = Caller(server), tmp_path / "model.onnx"
    path.write_bytes(os.urandom(60 * MB))
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (50 * MB, hard))
    with pytest.raises(PushRefused) as refused:
        push(server.url, caller.token, path, "MODEL", state_folder=tmp_path)
    assert (refused.value.status, refused.value.code) == (507, "INSUFFICIENT_STORAGE")
    assert "Free space" in refused.value.message
    assert staged_bytes(server) == 32 * MB
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    pushed = push(server.url, caller.token, path, "MODEL", state_folder=tmp_path)
    assert pushed.resumed_at == 32 * MB
    assert stored(server, caller, pushed.sha256) == path.read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full_is_survived(
    small_disk: Path,
    uploads_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    own = Server(free_port(), small_disk / "data", uploads_url)
    own.start()
    try:
        caller, path = Caller(own), tmp_path / "model.onnx"
        path.write_bytes(os.urandom(60 * MB))
        with pytest.raises(PushRefused) as refused:
            push(own.url, caller.token, path, "MODEL", state_folder=tmp_path)
        assert refused.value.code == "INSUFFICIENT_STORAGE"
        subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
        pushed = push(own.url, caller.token, path, "MODEL", state_folder=tmp_path)
        assert pushed.resumed_at == 32 * MB
        assert stored(own, caller, pushed.sha256) == path.read_bytes()
    finally:
        own.kill()
