"""A million events from a device to the platform, through a `kill -9` of the agent and one of the
broker, both while events come and go.

A portion of events whose acknowledgement was lost with the agent may be there as a whole or not at
all; its numbers are not used again. All that the agent acknowledged must be at the platform, and
nothing twice.
"""

import json
import time
from collections.abc import Iterable
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks.devices import Agent, agent
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import Edgewise, edgewise
from edge.cli.asking import NotDone, ask
from edge.home import Home
from infrastructure.embedded.postgres import EmbeddedPostgres

EVENTS, PORTION, BYTES = 1_000_000, 5_000, 127
ARRIVED_WITHIN, LOOK_EVERY = 1_800.0, 2.0
CONFIGURATION = "[store]\ndisk_limit_bytes = 4294967296\n"
_COUNT = "SELECT count(*) FROM telemetry WHERE kind = 'reading'"
_DISTINCT = "SELECT count(DISTINCT (body ->> 'n')::bigint) FROM telemetry WHERE kind = 'reading'"
_MISSING = """
SELECT count(*) FROM (
    SELECT n FROM unnest(%s::bigint[]) AS portion (first),
                  generate_series(first, first + %s - 1) AS n
    EXCEPT SELECT (body ->> 'n')::bigint FROM telemetry WHERE kind = 'reading') AS missing
"""


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        url = EmbeddedPostgres(installation.home / "postgres").start()
        home = installation.home / "device"
        with (
            installation.client() as client,
            agent(installation, client, home, CONFIGURATION) as device,
        ):
            began = time.perf_counter()
            acknowledged = _write(installation, device)
            written = time.perf_counter() - began
            count, distinct = _arrived(url, len(acknowledged) * PORTION)
            seconds = time.perf_counter() - began
        lost = _missing(url, acknowledged)
    yield Figure(
        "edge_no_loss",
        lost + count - distinct,
        "events",
        target=Target(gate=0, better=Better.LESS),
        note=f"{lost} lost and {count - distinct} doubled of {EVENTS:,} events of {BYTES} bytes; "
        f"the agent was killed once, the broker once. {EVENTS / written:,.0f}/s durable on the "
        f"device, {count / seconds:,.0f}/s at the platform.",
    )


def _write(installation: Edgewise, agent: Agent) -> list[int]:
    """The first numbers of all portions that were acknowledged."""
    acknowledged: list[int] = []
    first, killed = 1, set[str]()
    while len(acknowledged) < EVENTS // PORTION:
        done = len(acknowledged) / (EVENTS // PORTION)
        if done >= 1 / 3 and "agent" not in killed:
            killed.add("agent")
            agent.kill()
            agent.start()
        if done >= 2 / 3 and "broker" not in killed:
            killed.add("broker")
            _broker(installation).kill()
        lines = b"\n".join(map(_line, range(first, first + PORTION)))
        try:
            ask(Home.at(agent.home), {"do": "log_lines", "priority": "normal"}, lines)
            acknowledged.append(first)
        except NotDone:
            time.sleep(0.2)
        first += PORTION
    return acknowledged


def _line(number: int) -> bytes:
    line = json.dumps({"kind": "reading", "n": number, "x": ""}, separators=(",", ":"))
    return line.replace('"x":""', f'"x":"{"." * (BYTES - len(line))}"').encode()


def _broker(installation: Edgewise) -> psutil.Process:
    (process,) = installation.started
    for child in psutil.Process(process.pid).children():
        if "infrastructure.embedded.broker_process" in child.cmdline():
            return child
    raise RuntimeError("the embedded broker was not found")


def _arrived(url: str, wanted: int) -> tuple[int, int]:
    """How many events are at the platform, and how many different ones, once so many are."""
    deadline = time.monotonic() + ARRIVED_WITHIN
    with psycopg.connect(url, autocommit=True) as connection:
        while (count := _number(connection, _COUNT)) < wanted and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        return count, _number(connection, _DISTINCT)


def _missing(url: str, acknowledged: list[int]) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return _number(connection, _MISSING, (acknowledged, PORTION))


def _number(connection: psycopg.Connection, statement: str, values: tuple[Any, ...] = ()) -> int:
    row = connection.execute(statement.encode(), values or None).fetchone()
    assert row is not None
    return int(row[0])
