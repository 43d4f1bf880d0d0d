"""What the benchmarks of live updates have in common: an API in a process of its own, subscribers
in another, and a writer here.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil  # type: ignore[import-untyped]

from benchmarks.installation import temporary_installation
from domain.cause import Cause, acting
from domain.model import Model, Task
from interfaces.bootstrap import Installation
from interfaces.bootstrap.projector import start_projector
from interfaces.first_key import Credentials


@dataclass
class Live:
    """A running API (`pid`) with its installation, and the model that is written to."""

    installation: Installation
    credentials: Credentials
    url: str
    pid: int
    model_id: UUID = field(default_factory=uuid4)

    @property
    def rss(self) -> int:
        """Bytes of memory that the API has now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def write(self, count: int, pause: float = 0.0) -> dict[int, tuple[float, float]]:
        """Saves one event at a time; the position of each, when saving began and was done."""
        log, written = self.installation.log, {}
        with acting(Cause(self.tenant_id, "benchmark", "benchmark", "benchmark")):
            model = log.find(Model, self.model_id)
            if model is None:
                model = Model.register(self.model_id, "benchmark", Task.OTHER, "")
                log.save(model)
            for _ in range(count):
                model.restore() if model.status == "ARCHIVED" else model.archive()
                began = time.monotonic()
                position = log.save(model)
                written[position] = (began, time.monotonic())
                time.sleep(pause)
        return written

    @property
    def tenant_id(self) -> UUID:
        answer = httpx.post(
            f"{self.url}/graphql",
            json={"query": "{ events(first: 1) { nodes { streamId } } }"},
            headers={"authorization": f"Bearer {self.credentials.token}"},
        )
        return UUID(answer.json()["data"]["events"]["nodes"][0]["streamId"])


@contextmanager
def live_api() -> Iterator[Live]:
    """`edgewise api` on an installation of its own."""
    with temporary_installation() as (installation, credentials), socket.socket() as probe:
        start_projector(installation)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = os.environ | {
            "DATABASE_URL": installation.owner_url,
            "EDGEWISE_SECRET": installation.settings.secret,
            "EDGEWISE_HOME": str(installation.settings.home),
        }
        program = Path(sys.executable).parent / "edgewise"
        process = subprocess.Popen(
            [program, "api", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            live = Live(installation, credentials, f"http://127.0.0.1:{port}", process.pid)
            _wait_for(live.url)
            yield live
        finally:
            process.terminate()
            process.wait(20)


class Subscribers:
    """Subscribers in a process of their own, all of them subscribed."""

    def __init__(self, live: Live, count: int) -> None:
        module = [sys.executable, "-m", "benchmarks.live_clients"]
        self._process = subprocess.Popen(
            [*module, live.url, live.credentials.token, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def arrivals(self, expected: int) -> dict[int, list[float]]:
        """Waits for so many deliveries; when each position arrived, once for every arrival."""
        output, _ = self._process.communicate(f"{expected}\n")
        return {int(position): times for position, times in json.loads(output).items()}


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.1)
