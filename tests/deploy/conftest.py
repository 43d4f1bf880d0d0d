"""The processes of docker-compose.yml, run natively from its own settings and commands."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from edge.protocol.topics import Address
from tests.deploy import compose
from tests.e2e.conftest import digits_folder as digits_folder
from tests.e2e.conftest import slow_model as slow_model
from tests.e2e.running import Process
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port
from tests.services.mosquitto_tls import Fleet, new_address
from tests.services.postgres import TEST_SECRET
from tests.services.s3 import S3Access

_ADDRESSES = (":5432", ":6379", ":8333")


@dataclass
class Running:
    """One process and the port that it serves."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Installation:
    """Starts services by their name. `own` takes the place of what the file says of addresses."""

    home: Path
    values: Mapping[str, str]
    own: Mapping[str, str]
    started: list[Running] = field(default_factory=list)

    def start(self, service: str, **more: str) -> Running:
        described = compose.services(self.values)[service]
        port = free_port()
        variable = "EDGEWISE_PORT" if service == "api" else "EDGEWISE_METRICS_PORT"
        environment = {**described["environment"], **self.own, **more, variable: str(port)}
        environment = {name: value for name, value in environment.items() if value}
        left = {name for name, value in environment.items() if value.endswith(_ADDRESSES)}
        assert not left, f"these still name services of the file: {left}"
        process = Process(" ".join(described["command"]), self.home, environment)
        self.started.append(Running(process, port))
        return self.started[-1]

    def ready(self, one: Running, path: str) -> Running:
        def look() -> bool:
            assert one.process.running, one.process.output
            return httpx.get(one.url + path, timeout=PATIENCE).status_code == 200

        eventually(look)
        return one

    def migrate(self) -> None:
        migrated = self.start("migrate").process
        eventually(lambda: not migrated.running)
        assert "schema is current" in migrated.output, migrated.output

    @property
    def token(self) -> str:
        return str(json.loads((self.home / "credentials.json").read_text())["token"])

    def close(self) -> None:
        for one in self.started:
            one.process.close()


@pytest.fixture
def installation(
    tmp_path: Path, empty_database_url: str, redis_url: str, s3: S3Access
) -> Iterator[Installation]:
    values = {one.name: TEST_SECRET for one in compose.variables() if one.required}
    own = {
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": redis_url,
        "S3_ENDPOINT": s3.endpoint,
        "S3_PUBLIC_ENDPOINT": s3.endpoint,
        "S3_BUCKET": s3.bucket,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "EDGEWISE_URL": "http://127.0.0.1",
        "EDGEWISE_HOST": "127.0.0.1",
        "EDGEWISE_LOG": "json",
    }
    made = Installation(tmp_path / "home", values, own)
    yield made
    made.close()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Mosquitto from deploy/mosquitto, with other paths and ports."""
    made = Fleet().start()
    yield made
    made.close()


@pytest.fixture
def address() -> Address:
    return new_address()


@pytest.fixture
def other() -> Address:
    return new_address()
