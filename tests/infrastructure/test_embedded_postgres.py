"""The embedded PostgreSQL keeps what it acknowledged, is private, and survives its starter."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.embedded.postgres import EmbeddedPostgres, PostgresUnavailable
from infrastructure.embedded.socket_folder import LONGEST, socket_folder
from tests.patience import PATIENCE
from tests.services.session_folder import new_folder

pytestmark = pytest.mark.skipif(
    sys.platform not in ("linux", "darwin"), reason="needs unix sockets"
)
_START = """
import sys
from pathlib import Path
from infrastructure.embedded.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
sys.argv[2:] and input()
"""
ROOT = Path(__file__).parents[2]
Make = Callable[[Path], EmbeddedPostgres]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[EmbeddedPostgres] = []

    def server_in(folder: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(folder))
        return made[-1]

    yield server_in
    for server in made:
        server.stop()


@pytest.fixture
def folder() -> Path:
    return new_folder("embedded")


def in_another_process(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _START, str(folder), *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def test_what_is_written_is_read(make: Make, folder: Path) -> None:
    with psycopg.connect(make(folder).start()) as owner:
        owner.execute("CREATE TABLE word (text text)")
        owner.execute("INSERT INTO word VALUES ('grün, 世界')")
        assert owner.execute("SELECT upper(text) FROM word").fetchone() == ("GRÜN, 世界",)


def test_it_is_durable_and_sensibly_set(make: Make, folder: Path) -> None:
    wanted = {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "jit": "off",
        "max_connections": "100", "shared_buffers": "128MB", "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256", "data_checksums": "on", "TimeZone": "UTC",
    }  # fmt: skip
    with psycopg.connect(make(folder).start()) as owner:
        for name, value in wanted.items():
            assert owner.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,)


def test_a_second_start_attaches_to_the_running_server(make: Make, folder: Path) -> None:
    first, second = make(folder), make(folder)
    url, pid = first.start(), first.pid
    assert second.start() == url
    assert second.pid == pid


def test_it_comes_back_after_a_stop(make: Make, folder: Path) -> None:
    server = make(folder)
    with psycopg.connect(server.start()) as owner:
        owner.execute("CREATE TABLE kept (x int)")
    server.stop()
    assert server.pid is None
    server.stop()
    with psycopg.connect(server.start()) as owner:
        assert owner.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_stopping_does_not_wait_for_clients(make: Make, folder: Path) -> None:
    server = make(folder)
    with psycopg.connect(server.start(), autocommit=True) as client:
        client.execute("SELECT 1")
        server.stop()
        assert server.pid is None
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")


def test_a_killed_postmaster_keeps_committed_rows(make: Make, folder: Path) -> None:
    server = make(folder)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept (x int)")
        owner.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    assert server.start() == url
    with psycopg.connect(url) as owner:
        assert owner.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_it_outlives_the_process_that_started_it(make: Make, folder: Path) -> None:
    with in_another_process(folder, "stay") as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        starter.send_signal(signal.SIGKILL)
    server = make(folder)
    pid = server.pid
    assert pid is not None
    assert server.start() == url
    assert server.pid == pid


def test_a_postmaster_pid_of_another_process_is_seen_to_be_stale(make: Make, folder: Path) -> None:
    server = make(folder)
    url = server.start()
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    server.stop()
    # After a reboot the number may be that of anything, here of somebody who surely lives.
    bystander = _process_of(folder.joinpath("data").stat().st_uid)
    pid_file.write_text("".join([f"{bystander.pid}\n", *lines[1:]]))
    try:
        assert make(folder).pid is None
        assert make(folder).start() == url
        assert make(folder).pid not in (None, bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def _process_of(uid: int) -> subprocess.Popen[bytes]:
    user = uid if os.geteuid() == 0 else None
    return subprocess.Popen(["sleep", "60"], user=user, cwd="/")


def test_two_that_start_it_at_once_get_the_same_server(make: Make, folder: Path) -> None:
    starters = [in_another_process(folder) for _ in range(3)]
    urls = {starter.communicate(timeout=PATIENCE)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert urls == {make(folder).start()}


def test_a_start_that_was_killed_half_way_is_begun_again(make: Make, folder: Path) -> None:
    for delay in (0.25, 0.4, 0.6):
        with in_another_process(folder) as starter:
            time.sleep(delay)
            starter.kill()
    with psycopg.connect(make(folder).start()) as owner:
        assert owner.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["d" * 150, 'it\'s, a "folder" with ünusual % characters'])
def test_a_long_or_odd_path_gets_a_short_private_socket_folder(make: Make, name: str) -> None:
    deep = new_folder("embedded") / name / "pg"
    server = make(deep)
    with psycopg.connect(server.start()) as owner:
        assert owner.execute("SELECT 1").fetchone() == (1,)
    socket = socket_folder(deep.resolve())
    assert len(os.fsencode(socket)) <= LONGEST
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    server.stop()
    socket.rmdir()


def test_a_socket_folder_of_somebody_else_is_refused(make: Make, tmp_path: Path) -> None:
    deep = new_folder("embedded") / ("d" * 150)
    socket = socket_folder(deep.resolve())
    socket.symlink_to(tmp_path)
    try:
        with pytest.raises(PostgresUnavailable, match="belongs to somebody else"):
            make(deep).start()
    finally:
        socket.unlink()


def test_a_wrong_password_is_refused(make: Make, folder: Path) -> None:
    parts = conninfo_to_dict(make(folder).start())
    for password in ("wrong", None):
        given = {**parts, "password": password, "passfile": "/nowhere"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo("", **given))


def test_there_is_no_tcp_port(make: Make, folder: Path) -> None:
    server = make(folder)
    server.start()
    postmaster = psutil.Process(server.pid)
    # Its children inherit what it listens on, and come and go.
    assert [c for c in postmaster.net_connections("inet") if c.status == "LISTEN"] == []


def test_data_and_password_are_private(make: Make, folder: Path) -> None:
    make(folder).start()
    modes = {
        name: stat.S_IMODE((folder / name).stat().st_mode)
        for name in ("data", "socket", "owner-password", "turn", "alive")
    }
    assert modes == {"data": 0o700, "socket": 0o700, "owner-password": 0o600, "turn": 0o600,
                     "alive": 0o600}  # fmt: skip
    assert not (folder / "initdb-password").exists()
    # As root the server's account passes through, and nobody lists.
    assert stat.S_IMODE(folder.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)


def test_the_environment_of_postgres_does_not_mislead_it(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "6000", "PGDATA": "/nowhere", "PGHOST": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(make(folder).start()) as owner:
        assert owner.execute("SELECT 1").fetchone() == (1,)


def test_a_failure_carries_the_end_of_the_log(make: Make, folder: Path) -> None:
    server = make(folder)
    server.start()
    server.stop()
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(PostgresUnavailable, match="nonsense"):
        server.start()


def test_a_lost_password_file_is_named(make: Make, folder: Path) -> None:
    server = make(folder)
    server.start()
    (folder / "owner-password").unlink()
    with pytest.raises(PostgresUnavailable, match="owner-password is missing"):
        server.start()
