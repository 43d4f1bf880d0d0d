"""A server as a child process on one port with one folder, to be killed and started again."""

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.patience import PATIENCE
from tests.services.session_folder import kill_tree, remember

LOOKS_FOR = 5.0
"""Seconds that one look whether a server answers may take."""

_PORTS = (15_000, 32_000)
_given: set[int] = set()
_chance = random.SystemRandom()  # what tests seed would give all processes the same ports


class DaemonFailed(RuntimeError):
    """The server did not start; the message carries the end of what it printed."""


def free_port() -> int:
    """A port on the loopback address that nobody listens on right now. It is none of those that
    Linux gives to clients: one of thousands of connections might take it before the server does,
    or while that is restarted, and a client that tries it meanwhile might reach itself."""
    while True:
        port = _chance.randrange(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(LOOKS_FOR)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Daemon:
    """`ready` says whether the server answers yet."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str | Path],
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._command, self._ready = command, ready
        self._environment = dict(os.environ) | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts it, with the data it had; does nothing when it runs. Raises DaemonFailed."""
        if self._process and self._process.poll() is None:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self.folder,
                start_new_session=True,
            )
        remember(self.folder, self._process.pid)
        self._wait_until_ready(self._process)

    def kill(self) -> None:
        """SIGKILL, for it and its children."""
        if self._process and self._process.poll() is None:
            kill_tree(psutil.Process(self._process.pid))
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                printed = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise DaemonFailed(f"{self._command[0]} did not start:\n{printed}")
            time.sleep(0.05)
