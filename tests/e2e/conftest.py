"""A platform on its embedded default, and one as separate processes on real services."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from demo import digits
from infrastructure.embedded.postgres import EmbeddedPostgres
from tests.e2e.running import Api, Process
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET
from tests.services.redis import OwnRedis
from tests.services.s3 import S3Access
from tests.services.session_folder import new_folder


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's digits network with its calibration and evaluation data."""
    folder = tmp_path_factory.mktemp("digits")
    digits.prepare(folder)
    return folder


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose inference takes some milliseconds, for jobs that last."""
    size, layers = 1024, 40
    weight = numpy_helper.from_array(np.eye(size, dtype=np.float32), "w")
    names = [f"t{layer}" for layer in range(layers + 1)]
    nodes = [
        helper.make_node("MatMul", [before, "w"], [after]) for before, after in pairwise(names)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, size])
        for name in (names[0], names[-1])
    ]
    graph = helper.make_graph(nodes, "slow", ends[:1], ends[1:], [weight])
    opsets = [helper.make_opsetid("", 17)]
    path = tmp_path_factory.mktemp("slow") / "slow.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@dataclass
class Up:
    """`edgewise up` in a folder of its own; can be killed and started again."""

    home: Path
    port: int
    process: Process | None = None

    def start(self) -> Api:
        self.process = Process(f"up --port {self.port}", self.home, {})
        url = f"http://127.0.0.1:{self.port}"
        eventually(lambda: self._ready(url))
        token = json.loads((self.home / "credentials.json").read_text())["token"]
        return Api(url, token)

    def _ready(self, url: str) -> bool:
        import httpx

        assert self.process is not None
        assert self.process.running, self.process.output
        return httpx.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200

    def close(self) -> None:
        if self.process is not None:
            self.process.close()
        EmbeddedPostgres(self.home / "postgres").stop()


@pytest.fixture
def up() -> Iterator[Up]:
    """A platform that is not started yet."""
    own = Up(new_folder("up") / "home", free_port())
    yield own
    own.close()


@pytest.fixture(scope="module")
def platform() -> Iterator[Api]:
    """One platform for all tests of a module."""
    shared = Up(new_folder("up") / "home", free_port())
    try:
        yield shared.start()
    finally:
        shared.close()


@dataclass
class Parts:
    """API, projector and workers as separate processes on PostgreSQL, Redis and S3."""

    home: Path
    environment: dict[str, str]
    port: int
    redis: OwnRedis
    running: list[Process] = field(default_factory=list)

    def start(self, command: str) -> Process:
        process = Process(command, self.home, self.environment)
        self.running.append(process)
        return process

    def api(self) -> Api:
        self.start("projector")
        self.start(f"api --port {self.port}")
        url = f"http://127.0.0.1:{self.port}"
        token = json.loads((self.home / "credentials.json").read_text())["token"]
        api = Api(url, token)
        eventually(lambda: api.http.get("/readyz").status_code == 200)
        return api


@pytest.fixture
def parts(
    tmp_path: Path, empty_database_url: str, own_redis: Callable[[], OwnRedis], s3: S3Access
) -> Iterator[Parts]:
    redis = own_redis()
    environment = {
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": redis.url,
        "EDGEWISE_SECRET": TEST_SECRET,
        "S3_ENDPOINT": s3.endpoint,
        "S3_BUCKET": s3.bucket,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
    }
    parts = Parts(tmp_path / "home", environment, free_port(), redis)
    try:
        migrated = parts.start("migrate")
        eventually(lambda: not migrated.running)
        assert "schema is current" in migrated.output, migrated.output
        yield parts
    finally:
        for process in parts.running:
            process.close()
