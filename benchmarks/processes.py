"""Real `edgewise …` processes for benchmarks, on the embedded default unless told otherwise."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from interfaces.cli.client import Client
from interfaces.cli.connection import CREDENTIALS_FILE, Server

READY_WITHIN = 120.0
STOPPED_WITHIN = 30.0
LOOK_EVERY = 0.01
# A benchmark beside a real installation must not touch its database, queue or bucket.
_OTHERS = ("EDGEWISE_", "DATABASE_", "REDIS_", "AWS_", "S3_")


class NotReady(RuntimeError):
    """The process did not come up; the message has the end of its log."""


@dataclass
class Edgewise:
    """An installation's processes: started, asked and stopped as an operator does it."""

    home: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def server(self) -> Server:
        token = json.loads((self.home / CREDENTIALS_FILE).read_text())["token"]
        return Server(f"http://127.0.0.1:{self.port}", token, "benchmark")

    def client(self) -> Client:
        return Client(self.server)

    def start(self, command: str) -> "subprocess.Popen[bytes]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "interfaces.cli.main", *command.split()],
                env={**kept, **self.environment, "EDGEWISE_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def up(self) -> float:
        """Starts everything in one process; the seconds from its start to /readyz 200."""
        began = time.perf_counter()
        self.await_ready(self.start(f"up --port {self.port}"))
        return time.perf_counter() - began

    def await_ready(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + READY_WITHIN
        while not self._ready():
            if process.poll() is not None or time.monotonic() > until:
                raise NotReady("\n".join(self._log.read_text(errors="replace").splitlines()[-25:]))
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """Ctrl-C for all that run, the latest first."""
        while self.started:
            process = self.started.pop()
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _log(self) -> Path:
        return self.home / "benchmark.log"


@contextmanager
def edgewise(**environment: str) -> Iterator[Edgewise]:
    """An installation that is not started yet, in a folder that goes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="edgewise-bench-"))
    folder.chmod(0o755)  # embedded PostgreSQL gives up root's rights and must pass through
    (folder / "home").mkdir(mode=0o700)
    installation = Edgewise(folder / "home", free_port(), environment)
    # What the client remembers of unfinished pushes stays out of the user's own folder.
    before = os.environ.get("EDGEWISE_STATE_HOME")
    os.environ["EDGEWISE_STATE_HOME"] = str(folder / "state")
    try:
        yield installation
    finally:
        installation.stop()
        if before is None:
            del os.environ["EDGEWISE_STATE_HOME"]
        else:
            os.environ["EDGEWISE_STATE_HOME"] = before
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
