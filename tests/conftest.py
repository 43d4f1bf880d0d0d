"""The fixtures that give tests real servers; see tests/services. Each starts when first asked for,
one of a kind in each test process.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from tests.services import postgres
from tests.services.daemon import Daemon
from tests.services.mosquitto import MqttAccess, OwnMosquitto
from tests.services.postgres import OwnPostgres
from tests.services.programs import program
from tests.services.redis import OwnRedis, empty
from tests.services.s3 import OwnS3, S3Access
from tests.services.sandbox import find_bubblewrap, find_chromium
from tests.services.session_folder import new_folder

D = TypeVar("D", bound=Daemon)


settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)


def pytest_configure() -> None:
    """In the background of a shell Ctrl-C is ignored, and by what is started from there as well.
    Speed is no reason to fail, of an example neither."""
    settings.load_profile("patient")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The owner's conninfo of a server that no test kills: TEST_DATABASE_URL or embedded."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = OwnPostgres(new_folder("postgres"))
    server.start()
    postgres.without_disk(server.url)
    yield server.url
    server.kill()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = postgres.make_template(postgres_server)
    yield name
    postgres.drop_database(postgres_server, name)


@pytest.fixture
def database_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The owner's conninfo of a fresh migrated database (secret: tests.services.postgres)."""
    with postgres.fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """The owner's conninfo of a fresh database that nobody has migrated."""
    with postgres.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The pools of the runtime roles on a fresh database, open; the one for reads is not."""
    with postgres.opened(database_url) as database:
        yield database


@pytest.fixture
def event_log(database: Database) -> PostgresEventLog:
    """The event log of a fresh database."""
    return PostgresEventLog(database)


@pytest.fixture
def own_postgres() -> Iterator[Callable[[], OwnPostgres]]:
    """Makes private servers, started, for tests that kill them: `.kill()`, `.start()`, `.url`."""
    made: list[OwnPostgres] = []

    def make() -> OwnPostgres:
        made.append(OwnPostgres(new_folder("postgres")))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis that no test kills: TEST_REDIS_URL, or a private one."""
    given = os.environ.get("TEST_REDIS_URL")
    yield from [given] if given else _url(_redis())


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty Redis database."""
    empty(redis_server)
    return redis_server


@pytest.fixture
def own_redis() -> Iterator[Callable[[], OwnRedis]]:
    """Makes private servers, started: `.url`, `.kill()`, `.start()`."""
    yield from _factory(_redis)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Access]:
    """An S3 server that no test kills, with a bucket: TEST_S3_ENDPOINT, or a private SeaweedFS."""
    given = S3Access.from_environment()
    if given:
        yield given
        return
    with_bucket = _s3()
    with_bucket.start()
    yield with_bucket.access
    with_bucket.kill()


@pytest.fixture
def own_s3() -> Iterator[Callable[[], OwnS3]]:
    """Makes private servers, started: `.access`, `.kill()`, `.start()`."""
    yield from _factory(_s3)


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[MqttAccess]:
    """An MQTT broker that no test kills: TEST_MQTT_URL, or a private Mosquitto."""
    given = MqttAccess.from_environment()
    if given:
        yield given
        return
    broker = _mosquitto()
    broker.start()
    yield broker.access
    broker.kill()


@pytest.fixture
def own_mosquitto() -> Iterator[Callable[[], OwnMosquitto]]:
    """Makes private brokers, started: `.access`, `.kill()`, `.start()`."""
    yield from _factory(_mosquitto)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program; run it with --headless, and as root with --no-sandbox."""
    return find_chromium()


@pytest.fixture(scope="session")
def bubblewrap() -> Path:
    """`bwrap`, where the kernel lets it work."""
    return find_bubblewrap()


def _redis() -> OwnRedis:
    server = program("redis-server", "valkey-server", package="redis-server")
    return OwnRedis(new_folder("redis"), server)


def _s3() -> OwnS3:
    return OwnS3(new_folder("s3"), program("weed"))


def _mosquitto() -> OwnMosquitto:
    return OwnMosquitto(new_folder("mosquitto"), program("mosquitto", package="mosquitto"))


def _url(server: OwnRedis) -> Iterator[str]:
    server.start()
    yield server.url
    server.kill()


def _factory(make: Callable[[], D]) -> Iterator[Callable[[], D]]:
    made: list[D] = []

    def started() -> D:
        made.append(make())
        made[-1].start()
        return made[-1]

    yield started
    for server in made:
        server.kill()
