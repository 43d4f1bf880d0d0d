"""Old and new code on one database: migrations first, no request fails, and back again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.e2e.conftest import digits_folder as digits_folder
from tests.e2e.running import Api, Process
from tests.e2e.test_spine import OPTIMIZE
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET
from tests.services.redis import OwnRedis
from tests.services.s3 import S3Access
from tests.upgrade.load import Load, Rotation
from tests.upgrade.previous import Previous, tree_of_previous

pytestmark = [pytest.mark.slow, pytest.mark.timeout(8 * PATIENCE)]


@dataclass
class Release:
    """The processes of one release: two APIs, a projector, a worker."""

    begin: Callable[[str], Process]
    running: list[Process] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Starts all and waits until they are ready."""
        ports = [free_port() for _ in range(2)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        commands = ["projector", "worker", *(f"api --port {port}" for port in ports)]
        self.running = [self.begin(command) for command in commands]
        for url in self.urls:
            eventually(lambda url=url: self._ready(url))  # type: ignore[misc]

    def stop(self) -> None:
        for process in self.running:
            process.close()

    def _ready(self, url: str) -> bool:
        for process in self.running:
            assert process.running, process.output
        return httpx.get(f"{url}/readyz").status_code == 200


@dataclass
class Both:
    """Both releases on the same services."""

    home: Path
    environment: dict[str, str]
    previous: Previous

    def old(self, command: str) -> Process:
        return self.previous.start(command, self.home, self.environment)

    def new(self, command: str) -> Process:
        return Process(command, self.home, self.environment)

    def done(self, process: Process) -> None:
        eventually(lambda: not process.running)
        assert "schema is current" in process.output, process.output

    @property
    def token(self) -> str:
        return str(json.loads((self.home / "credentials.json").read_text())["token"])


@pytest.fixture
def both(
    tmp_path: Path, empty_database_url: str, own_redis: Callable[[], OwnRedis], s3: S3Access
) -> Both:
    environment = {
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": own_redis().url,
        "EDGEWISE_SECRET": TEST_SECRET,
        **s3.environment,
    }
    return Both(tmp_path / "home", environment, Previous(tree_of_previous(tmp_path / "previous")))


@pytest.fixture
def releases(both: Both) -> Iterator[tuple[Release, Release]]:
    old, new = Release(both.old), Release(both.new)
    yield old, new
    old.stop()
    new.stop()


def optimized(api: Api, folder: Path, name: str) -> None:
    model = api.push_model(folder / "digits.onnx", name)
    data = api.push_dataset(folder / "digits-calibration.npz", name, "CALIBRATION")
    asked = api.change(OPTIMIZE, model=model["id"], calibration=data, evaluation=None, key=name)
    ended = api.ended(asked["job"]["id"])
    assert ended["status"] == "SUCCEEDED", ended


def caught_up(url: str) -> None:
    """Waits until every view has followed the whole log."""

    def look() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT min(f.position) >= (SELECT max(position) FROM events) FROM followers f"
            ).fetchone()
        return row is not None and bool(row[0])

    eventually(look)


def agreeing(both: Both) -> None:
    """The tables say what today's code makes of every stored event, and the log is whole."""
    for command in ("replay --check", "events verify"):
        asked = both.new(command)
        eventually(lambda asked=asked: not asked.running)  # type: ignore[misc]
        assert asked.exit_code == 0, asked.output


def test_an_upgrade_under_load_fails_no_request_and_can_be_taken_back(
    both: Both, releases: tuple[Release, Release], digits_folder: Path
) -> None:
    old, new = releases
    url = both.environment["DATABASE_URL"]
    both.done(both.old("migrate"))
    old.start()
    optimized(Api(old.urls[0], both.token), digits_folder, "by the old alone")
    rotation = Rotation(old.urls)
    load = Load(rotation, both.token)
    load.start()
    try:
        load.more(5)
        both.done(both.new("migrate"))
        load.more(10)  # the old code alone, on the new schema
        new.start()
        rotation.use([*old.urls, *new.urls])
        load.more(10)
        optimized(Api(new.urls[0], both.token), digits_folder, "by both")
        rotation.use(new.urls)
        old.stop()
        load.more(10)
        optimized(Api(new.urls[0], both.token), digits_folder, "by the new alone")
        caught_up(url)
        old.start()  # taken back: the old code, after the migrations and the new code's events
        rotation.use(old.urls)
        new.stop()
        load.more(10)
        optimized(Api(old.urls[0], both.token), digits_folder, "by the old again")
    finally:
        load.stop()
    assert load.failures == []
    new.running = [both.new("projector")]  # and forward again: views that the old did not know
    caught_up(url)
    agreeing(both)
    api = Api(old.urls[1], both.token)
    for id, name in list(load.made.items())[::10]:
        assert api.run("query($id: ID!) { model(id: $id) { name } }", id=id)["model"] == {
            "name": name
        }
