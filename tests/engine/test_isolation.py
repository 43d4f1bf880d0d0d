"""What a child can see, reach, change and leave behind, at each level of isolation."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infrastructure.engine import isolation as isolations
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.sandbox import Sandbox
from tests.engine.bad_child import LIMITS, ROOT, TASKS, Misbehaving
from tests.patience import PATIENCE

pytest_plugins = ("tests.engine.bad_child",)


def isolated(bad: Misbehaving) -> None:
    if bad.level is Isolation.LIMITS:
        pytest.skip("limits alone are no isolation")


def test_the_strongest_level_that_works_is_found_and_told(tmp_path: Path) -> None:
    sandbox = Sandbox()
    answer = sandbox.run("ping", {"a": 1}, tmp_path)
    assert answer.result["echo"] == {"a": 1}
    assert answer.isolation == sandbox.isolation in isolations.possible()
    assert (tmp_path / "ping").read_text() == "pong"


def test_a_child_sees_nothing_of_our_environment(
    bad: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWISE_SIGNING_KEY", "secret")
    seen = bad.run("look_around")
    assert "secret" not in str(seen["environment"])
    assert "PYTHONPATH" not in seen["environment"]
    assert seen["no_new_privileges"] == "1"


def test_an_isolated_child_is_nobody_without_rights(bad: Misbehaving) -> None:
    isolated(bad)
    seen = bad.run("look_around")
    assert seen["uid"] == 65534
    assert seen["capabilities"] == 0


def test_an_isolated_child_cannot_open_a_connection(bad: Misbehaving) -> None:
    isolated(bad)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert bad.run("connect", port=server.getsockname()[1])["refused"]


def test_an_isolated_child_cannot_write_outside_its_scratch_folder(
    bad: Misbehaving, tmp_path: Path
) -> None:
    isolated(bad)
    places = ["/tmp", "/var/tmp", "/dev/shm", "/dev", "/", str(Path.home()), str(tmp_path)]
    places += [str(ROOT), str(ROOT / "infrastructure"), sys.prefix, "/usr", "/etc", "/proc/sys"]
    paths = [f"{place.rstrip('/')}/edgewise-was-here" for place in places]
    assert bad.run("try_to_open", mode="w", paths=[*paths, "mine"])["opened"] == ["mine"]
    assert not [path for path in paths if os.path.exists(path)]


def test_an_isolated_child_cannot_read_what_it_was_not_given(
    bad: Misbehaving, tmp_path: Path
) -> None:
    isolated(bad)
    secret = tmp_path / "secret"
    secret.write_text("of another tenant")
    paths = [str(secret), "/etc/shadow", "/etc/passwd", str(ROOT / "pyproject.toml")]
    assert bad.run("try_to_open", mode="r", paths=[*paths, str(TASKS)])["opened"] == [str(TASKS)]


def test_a_child_reads_the_files_it_was_given_though_only_we_may(
    bad: Misbehaving, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_text("a working copy")
    model.chmod(0o600)
    request = {"mode": "r", "paths": [str(model)]}
    sandbox = Sandbox(LIMITS, isolation=bad.level)
    answer = sandbox.run("try_to_open", request, bad.scratch, reads=(TASKS, model))
    assert answer.result["opened"] == [str(model)]


def test_an_isolated_child_cannot_change_a_file_it_was_given(
    bad: Misbehaving, tmp_path: Path
) -> None:
    isolated(bad)
    model = tmp_path / "model.onnx"
    model.write_text("a working copy")
    request = {"mode": "r+", "paths": [str(model)]}
    sandbox = Sandbox(LIMITS, isolation=bad.level)
    answer = sandbox.run("try_to_open", request, bad.scratch, reads=(TASKS, model))
    assert answer.result["opened"] == []


def test_what_a_child_started_does_not_outlive_it(bad: Misbehaving) -> None:
    bad.run("leave_a_beating_process")
    assert bad.falls_silent()


def test_a_child_dies_with_its_parent(bad: Misbehaving) -> None:
    code = (
        "from pathlib import Path\n"
        "from infrastructure.engine import isolation\n"
        "from infrastructure.engine.sandbox import Sandbox\n"
        "isolation.CHILD = 'tests.engine.misbehaving'\n"
        f"level = isolation.Isolation({bad.level.value!r})\n"
        f"reads = (Path({str(TASKS)!r}),)\n"
        f"Sandbox(isolation=level).run('beat', {{}}, Path({str(bad.scratch)!r}), reads=reads)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (bad.scratch / "beats").exists():
            assert time.monotonic() < deadline
            assert parent.poll() is None
            time.sleep(0.02)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert bad.falls_silent()


def test_links_that_a_child_leaves_are_gone_before_anyone_follows_them(
    bad: Misbehaving, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    bad.run("leave_links", to=str(secret))
    assert sorted(path.name for path in bad.scratch.rglob("*")) == ["folder", "ping", "plain"]
    assert (bad.scratch / "plain").stat().st_uid == os.geteuid()
    assert secret.read_text() == "untouched"


def test_a_linked_file_in_the_scratch_folder_does_not_change_hands(
    bad: Misbehaving, tmp_path: Path
) -> None:
    blob = tmp_path / "blob"
    blob.write_text("kept")
    os.link(blob, bad.scratch / "model.onnx")
    bad.run("try_to_open", mode="r", paths=["model.onnx"])
    assert blob.stat().st_uid == os.geteuid()
    assert blob.read_text() == "kept"
