"""Our own server of uploads and downloads as a process, and stores that its tests share."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from obstore.store import S3Store

from infrastructure.blobs.s3 import s3_store
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import APP, SYSTEM, role_url
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET, fresh_database, opened
from tests.services.s3 import S3Access

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def uploads_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The owner's conninfo of a migrated database for all tests of a module."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def uploads_database(uploads_url: str) -> Iterator[Database]:
    """The runtime roles, so with row-level security, on the database of the module."""
    with opened(uploads_url) as database:
        yield database


@pytest.fixture(scope="session")
def s3_bucket(s3: S3Access) -> S3Store:
    """The bucket through our own settings of the client."""
    return s3_store(
        bucket=s3.bucket,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )


@dataclass
class Server:
    """Our routes in a process of their own, at `url`. `kill` is SIGKILL.

    `database_url` is the owner's; the process uses the runtime roles.
    """

    port: int
    folder: Path
    database_url: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        script = ROOT / "tests" / "interfaces" / "upload_server.py"
        urls = [role_url(self.database_url, role, TEST_SECRET) for role in (APP, SYSTEM)]
        self.process = subprocess.Popen(
            [sys.executable, script, str(self.port), self.folder, *urls]
        )
        eventually(lambda: httpx.options(f"{self.url}/uploads").status_code)

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def server(tmp_path: Path, uploads_url: str) -> Iterator[Server]:
    server = Server(free_port(), tmp_path / "data", uploads_url)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory, uploads_url: str) -> Iterator[Server]:
    """One server for all tests of a module that do not kill it."""
    server = Server(free_port(), tmp_path_factory.mktemp("data"), uploads_url)
    server.start()
    yield server
    server.kill()
