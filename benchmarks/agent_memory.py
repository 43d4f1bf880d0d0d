"""The memory of an agent without a model: a real process that joined a real installation, is
online, and has sent what it logged. Its largest resident set over SECONDS, as the kernel counts it.
"""

import subprocess
import time
from collections.abc import Iterable
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.devices import AGENT, ONLINE_WITHIN, Agent, agent
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import NotReady, edgewise

SECONDS, EVENTS = 30.0, 20


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        home = installation.home.parent / "device"
        with installation.client() as client, agent(installation, client, home) as device:
            _until_online(device)
            for number in range(EVENTS):
                words = ["log", "reading", f"value={number}", "--home", str(home)]
                subprocess.run([*AGENT, *words], check=True, stdout=subprocess.DEVNULL)
            most = _most(device)
            status = device.status()
    yield Figure(
        "agent_memory",
        most / 1e6,
        "MB",
        target=Target(60, 50, Better.LESS),
        note=f"without a model, online, {status['queue']['batches_sent']} batches sent",
    )


def _most(agent: Agent) -> int:
    assert agent.process is not None
    process, until, most = psutil.Process(agent.process.pid), time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        most = max(most, process.memory_info().rss)
        time.sleep(0.2)
    return most


def _until_online(agent: Agent) -> dict[str, Any]:
    until = time.monotonic() + ONLINE_WITHIN
    while time.monotonic() < until:
        if (found := agent.status()).get("online"):
            return found
        time.sleep(0.2)
    raise NotReady((agent.home / "output").read_text()[-2_000:])
