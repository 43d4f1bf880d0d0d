"""The servers that tests use answer, keep their data through a kill, and die with the tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import obstore
import psutil
import psycopg
import pytest
from redis import Redis

from infrastructure.postgres.database import Database
from tests.patience import eventually
from tests.services.daemon import listens
from tests.services.mosquitto import MqttAccess, OwnMosquitto
from tests.services.postgres import OwnPostgres
from tests.services.programs import unavailable
from tests.services.redis import OwnRedis
from tests.services.s3 import OwnS3, S3Access
from tests.services.session_folder import is_gone

ROOT = Path(__file__).parents[2]
_STARTS_AND_WAITS = """
import time
from tests.services.postgres import OwnPostgres
from tests.services.s3 import OwnS3
from tests.services.programs import program
from tests.services.session_folder import new_folder, session_folder
postgres = OwnPostgres(new_folder("postgres")); postgres.start()
s3 = OwnS3(new_folder("s3"), program("weed")); s3.start()
print(postgres.pid, s3.pid, session_folder(), flush=True)
time.sleep(600)
"""


def test_a_fresh_database_is_migrated_and_empty(database: Database) -> None:
    with database.system() as connection:
        assert connection.execute("SELECT count(*) AS n FROM events").fetchone() == {"n": 0}


def test_no_test_sees_the_database_of_another(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        name = connection.info.dbname
        connection.execute("CREATE TABLE mine ()")
    with psycopg.connect(database_url) as connection:
        others = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'test_%%' AND datname <> %s",
            (name,),
        ).fetchall()
    assert others == [] or "TEST_DATABASE_URL" in os.environ


def test_postgresql_keeps_what_it_acknowledged_through_a_kill(
    own_postgres: Callable[[], OwnPostgres],
) -> None:
    server = own_postgres()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    url, first = server.url, server.pid
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    assert server.url == url
    assert server.pid != first
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_redis_is_empty_for_each_test(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_is_empty_for_the_next_test_too(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.get("left") is None


def test_redis_comes_back_on_its_port_with_its_data(own_redis: Callable[[], OwnRedis]) -> None:
    server = own_redis()
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        files = server.folder / "appendonlydir"
        eventually(lambda: any(b"kept" in each.read_bytes() for each in files.glob("*.aof")))
    server.kill()
    server.start()
    with Redis.from_url(server.url) as client:
        assert client.get("kept") == b"yes"


def test_s3_refuses_a_wrong_signature(s3: S3Access) -> None:
    stranger = S3Access(s3.endpoint, s3.access_key, "wrong", s3.bucket, s3.region)
    obstore.put(s3.store(), "mine", b"bytes", use_multipart=False)
    with pytest.raises((PermissionError, obstore.exceptions.BaseError)):
        obstore.get(stranger.store(), "mine")


@pytest.mark.slow
def test_s3_comes_back_on_its_port_with_its_data(own_s3: Callable[[], OwnS3]) -> None:
    server = own_s3()
    obstore.put(server.access.store(), "kept", b"bytes", use_multipart=False)
    server.kill()
    server.start()
    assert bytes(obstore.get(server.access.store(), "kept").bytes()) == b"bytes"


def test_mosquitto_listens(mosquitto: MqttAccess) -> None:
    assert listens(mosquitto.port)


def test_mosquitto_comes_back_on_its_port(own_mosquitto: Callable[[], OwnMosquitto]) -> None:
    broker = own_mosquitto()
    broker.kill()
    assert not listens(broker.access.port)
    broker.start()
    assert listens(broker.access.port)


def test_bubblewrap_closes_the_network(bubblewrap: Path) -> None:
    script = "import socket; socket.create_connection(('127.0.0.1', 1))"
    jail = [bubblewrap, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent"]
    done = subprocess.run(
        [*jail, sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "Error" in done.stderr


def test_servers_die_with_a_test_process_that_was_killed() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _STARTS_AND_WAITS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    *pids, folder = child.stdout.readline().split()
    servers = [psutil.Process(int(pid)) for pid in pids]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    eventually(lambda: all(is_gone(server) for server in servers))
    eventually(lambda: not Path(folder).exists())


def test_a_missing_service_skips_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        unavailable("no such thing")


def test_a_missing_service_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        unavailable("no such thing")
