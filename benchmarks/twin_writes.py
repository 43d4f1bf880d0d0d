"""Twin writes through the whole path: published by devices, heard by the gateway, durable as an
event, and shown in the read table.

Reports come at a steady rate from one connection to the embedded broker in the name of many
devices. A write's time is from its publication until the view of devices has passed its event.
"""

import asyncio
import itertools
import time
from collections.abc import Iterable
from uuid import uuid4

import aiomqtt
import psycopg

from benchmarks.devices import Joined, joined
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import Edgewise, edgewise
from domain.benchmark import percentile
from edge.protocol.envelope import Envelope, encoded
from edge.protocol.topics import Said
from infrastructure.embedded.postgres import EmbeddedPostgres

DEVICES, RATE, SECONDS, WARM = 500, 1_000, 20, 3
TICK = 0.02
LOOK_EVERY = 0.005
DONE_WITHIN = 120.0
_POSITION = "SELECT position FROM followers WHERE name = 'devices'"
_EVENTS = """
SELECT position, convert_from(state, 'UTF8')::jsonb -> 'reported' ->> 'n' AS n FROM events
WHERE topic = 'device.reported-changed' AND position > %s ORDER BY position
"""


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        with installation.client() as client:
            devices = joined(installation, client, DEVICES)
        url = EmbeddedPostgres(installation.home / "postgres").start()
        published, shown = asyncio.run(_run(installation, devices, url))
    took = [shown[n] - published[n] for n in published if n >= WARM * RATE]
    began, ended = min(published.values()), max(shown.values())
    yield Figure(
        "twin_writes",
        len(published) / (ended - began),
        "writes/s",
        target=Target(gate=0.98 * RATE * SECONDS / (SECONDS + 1)),
        note=f"offered {RATE:,}/s for {SECONDS} s by {DEVICES} devices on the embedded broker",
    )
    yield Figure(
        "twin_writes_p99",
        percentile(took, 99) * 1_000,
        "ms",
        target=Target(gate=100.0, better=Better.LESS),
        note=f"from publication to the read table; p50 {percentile(took, 50) * 1_000:.0f} ms",
    )


async def _run(
    installation: Edgewise, devices: list[Joined], url: str
) -> tuple[dict[int, float], dict[int, float]]:
    host, _, port = devices[0].broker.removeprefix("mqtt://").partition(":")
    async with aiomqtt.Client(
        host, int(port), identifier=f"bench-{uuid4().hex}", protocol=aiomqtt.ProtocolVersion.V311,
        max_inflight_messages=1_000,
    ) as broker:  # fmt: skip
        broker.pending_calls_threshold = 100_000
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        looking = asyncio.create_task(_positions(connection))
        published = await _publish(broker, devices)
        seen = await looking_until(looking, url, len(published))
        await connection.close()
    return published, seen


async def _publish(broker: aiomqtt.Client, devices: list[Joined]) -> dict[int, float]:
    """When each write was published, by its number."""
    published: dict[int, float] = {}
    boot_id, turn = uuid4(), itertools.cycle(devices)
    began = time.perf_counter()
    for number in range(RATE * SECONDS):
        if (ahead := began + number / RATE - time.perf_counter()) > 0:
            await asyncio.sleep(max(ahead, TICK))
        body = {"version": number + 1, "reported": {"n": number}}
        payload = encoded(Envelope(boot_id, number + 1, time.time(), body))
        published[number] = time.perf_counter()
        await asyncio.sleep(0)
        broker._client.publish(next(turn).address.said(Said.REPORTED), payload, qos=1)
    return published


async def _positions(connection: psycopg.AsyncConnection) -> list[tuple[float, int]]:
    """When the view of devices was where, until it is cancelled."""
    seen: list[tuple[float, int]] = []
    try:
        while True:
            row = await (await connection.execute(_POSITION)).fetchone()
            if row is not None and (not seen or seen[-1][1] != row[0]):
                seen.append((time.perf_counter(), row[0]))
            await asyncio.sleep(LOOK_EVERY)
    except asyncio.CancelledError:
        return seen


async def looking_until(
    looking: "asyncio.Task[list[tuple[float, int]]]", url: str, count: int
) -> dict[int, float]:
    """When each write was shown, once all are."""
    deadline = time.monotonic() + DONE_WITHIN
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            events = await (await connection.execute(_EVENTS, (0,))).fetchall()
            head = await (await connection.execute(_POSITION)).fetchone()
            if len(events) >= count and head is not None and head[0] >= events[-1][0]:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(events):,} of {count:,} writes arrived.")
            await asyncio.sleep(0.5)
    await asyncio.sleep(2 * LOOK_EVERY)
    looking.cancel()
    seen = await looking
    shown, place = {}, 0
    for position, number in events:
        while seen[place][1] < position:
            place += 1
        shown[int(number)] = seen[place][0]
    return shown
