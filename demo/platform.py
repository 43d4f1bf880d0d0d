"""The platform as the demo runs it: `edgewise up` in a process and a data folder of its own.

It is left as a person leaves it, by Ctrl-C, and killed only when that does not help.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from interfaces.cli.connection import CREDENTIALS_FILE, Server

READY_WITHIN = 300.0
STOPPED_WITHIN = 120.0
LOG_TAIL = 25


class NotStarted(Exception):
    """The platform did not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """`seconds` is how long it took until it was ready."""

    server: Server
    folder: Path
    log: Path
    seconds: float


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Starts the platform and stops it at the end. Raises NotStarted."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "up.log"
    port = _free_port()
    began = time.monotonic()
    with log.open("wb") as output:
        process = _start(folder, port, output.fileno())
    try:
        url = f"http://127.0.0.1:{port}"
        _await_ready(process, url, log)
        token = json.loads((folder / CREDENTIALS_FILE).read_text())["token"]
        yield Running(Server(url, token, "demo"), folder, log, time.monotonic() - began)
    finally:
        _stop(process)


def _start(folder: Path, port: int, output: int) -> "subprocess.Popen[bytes]":
    arguments = ["-m", "interfaces.cli.main", "up", "--host", "127.0.0.1", "--port", str(port)]
    kept = {
        name: value
        for name, value in os.environ.items()
        # A demo beside a real installation must not touch its database, queue or bucket.
        if not name.startswith(("EDGEWISE_", "DATABASE_", "REDIS_", "AWS_", "S3_", "MQTT_"))
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**kept, "EDGEWISE_HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # Ctrl-C in the terminal is for the demo: it tells the platform in its own time.
        start_new_session=True,
    )


def _await_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStarted(f"The platform ended with {process.returncode}.\n{_tail(log)}")
        try:
            if httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass  # It does not listen yet.
        time.sleep(0.1)
    raise NotStarted(f"The platform was not ready within {READY_WITHIN:.0f} s.\n{_tail(log)}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
    return "\n".join([*lines, f"The whole log is {log}"])
