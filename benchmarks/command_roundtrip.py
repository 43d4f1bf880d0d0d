"""From `device.command-sent` to `device.command-answered`, both by the database's clock: a real
agent on this machine, over the embedded broker. Commands are sent by GraphQL, one after the other.
"""

import time
from collections.abc import Iterable
from datetime import datetime

from benchmarks.devices import agent, online
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import edgewise
from domain.benchmark import percentile
from interfaces.cli.client import Client
from interfaces.cli.queries import device as queries

COMMANDS, WARM = 220, 20
ANSWERED_WITHIN = 60.0
EVENTS = """query($of: ID, $after: BigInt) { events(first: 100, of: $of, after: $after) {
  nodes { topic recordedAt position data } } }"""


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        with (
            installation.client() as client,
            agent(installation, client, installation.home / "device"),
        ):
            device = online(client)
            queued = [_ping(client, device) for _ in range(COMMANDS)]
            seconds = _seconds(client, device)[WARM:]
    yield Figure(
        "command_roundtrip",
        percentile(seconds, 99) * 1_000,
        "ms",
        target=Target(gate=100.0, better=Better.LESS),
        note=f"p99 of {len(seconds)} pings to one agent on the embedded broker; p50 "
        f"{percentile(seconds, 50) * 1_000:.0f} ms, most {max(seconds) * 1_000:.0f} ms. Queued "
        f"(the mutation is answered): p50 {percentile(queued[WARM:], 50) * 1_000:.1f} ms.",
    )


def _ping(client: Client, device: str) -> float:
    """Sends one and waits for its answer; how long it took to be queued."""
    began = time.perf_counter()
    sent = client.change(queries.SEND, id=device, kind="PING", arguments={}, expiresIn=60)
    queued = time.perf_counter() - began
    command = sent["deviceCommand"]["id"]
    deadline = time.monotonic() + ANSWERED_WITHIN
    while time.monotonic() < deadline:
        found = client.run(
            "query($id: ID!) { node(id: $id) { ... on DeviceCommand { status } } }", id=command
        )
        if found["node"]["status"] != "SENT":
            return queued
        time.sleep(0.02)
    raise TimeoutError("A ping was not answered.")


def _seconds(client: Client, device: str) -> list[float]:
    sent: dict[str, datetime] = {}
    took, after = [], 0
    while nodes := client.run(EVENTS, of=device, after=after)["events"]["nodes"]:
        after = nodes[-1]["position"]
        for event in nodes:
            at = datetime.fromisoformat(event["recordedAt"])
            command = event["data"].get("command_id")
            if event["topic"] == "device.command-sent":
                sent[command] = at
            elif event["topic"] == "device.command-answered":
                took.append((at - sent[command]).total_seconds())
    return took
