"""The memory of an agent without a model: a real process that joined a real installation, is
online, and has sent what it logged. Its largest resident set over SECONDS, as the kernel counts it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import NotReady, edgewise

SECONDS, EVENTS = 30.0, 20
ONLINE_WITHIN = 120.0
CLAIM = """mutation { deviceClaimsIssue(count: 1) {
  claims { code } userErrors { code message } } }"""


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        home = installation.home.parent / "device"
        with installation.client() as client:
            code = client.change(CLAIM)["claims"][0]["code"]
        _edge(home, "join", code, "--server", installation.server.url)
        with _running(home) as agent:
            _until_online(home)
            for number in range(EVENTS):
                _edge(home, "log", "reading", f"value={number}")
            most = _most(agent)
            status = _status(home)
    yield Figure(
        "agent_memory",
        most / 1e6,
        "MB",
        target=Target(60, 50, Better.LESS),
        note=f"without a model, online, {status['queue']['batches_sent']} batches sent",
    )


def _most(agent: "subprocess.Popen[bytes]") -> int:
    process, until, most = psutil.Process(agent.pid), time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        most = max(most, process.memory_info().rss)
        time.sleep(0.2)
    return most


def _until_online(home: Path) -> None:
    until = time.monotonic() + ONLINE_WITHIN
    while time.monotonic() < until:
        if _status(home).get("online"):
            return
        time.sleep(0.2)
    raise NotReady((home / "agent.log").read_text()[-2_000:])


def _status(home: Path) -> dict[str, Any]:
    done = _command(home, "status", "--json")
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def _edge(home: Path, *words: str) -> None:
    done = _command(home, *words)
    if done.returncode:
        raise NotReady(done.stderr)


def _command(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "edge", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _running(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (home / "output").open("ab") as output:
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield agent
    finally:
        agent.terminate()
        agent.wait(60)
