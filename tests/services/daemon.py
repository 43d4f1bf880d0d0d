"""A server as a child process on one port with one folder, to be killed and started again."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.services.session_folder import kill_tree, remember

START_SECONDS = 60.0


class DaemonFailed(RuntimeError):
    """The server did not start; the message carries the end of what it printed."""


def free_port() -> int:
    """A port on the loopback address that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
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
        """SIGTERM, and SIGKILL after five seconds."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.kill()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                printed = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise DaemonFailed(f"{self._command[0]} did not start:\n{printed}")
            time.sleep(0.05)
