"""Who does not read is told and dropped, and is no burden on anybody while it lasts."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.live_client import LiveSocket, signed_in
from tests.e2e.stage import Stage, change, new_model
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port
from tests.services.postgres import OwnPostgres

EVENTS, SLOW, MODELS = 20_000, 8, 10
EVERYTHING = """subscription ($after: BigInt) {
  eventsAppended(after: $after) { position streamId version topic recordedAt occurredAt actor
    causationId correlationId data } }"""


@pytest.fixture
def stage(own_postgres: Callable[[], OwnPostgres], tmp_path: Path) -> Iterator[Stage]:
    made = Stage(own_postgres(), tmp_path / "home", [free_port()])
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
async def test_a_subscriber_that_does_not_read_is_told_and_dropped_and_loses_nothing(
    stage: Stage,
) -> None:
    token, url = stage.start(), stage.urls[0]
    server = psutil.Process(stage.running[str(stage.ports[0])].pid)
    async with AsyncExitStack() as opening:
        slow = [await opening.enter_async_context(_narrow(url, token)) for _ in range(SLOW)]
        fast = await opening.enter_async_context(signed_in(url, token))
        for one in (*slow, fast):
            await one.subscribe(EVERYTHING, after=0)
        before = server.memory_info().rss
        last = stage.written(None)[-1] + MODELS + EVENTS
        reading = asyncio.create_task(_told_until(fast, last))
        ending = asyncio.create_task(_read_when_dropped(stage, slow[0]))
        assert await asyncio.to_thread(_write, stage, EVENTS) == last
        told = await reading
        grown = server.memory_info().rss - before
        assert told == stage.written(None)
        assert grown < 40 * 2**20, f"{grown:,} bytes for {SLOW} that do not read"

        heard, end = await ending
        error = end["payload"][0]["extensions"]
        assert (end["type"], error["code"]) == ("error", "SLOW_SUBSCRIBER")
        assert error["position"] == heard[-1]
        assert (await slow[0].closed())[0] == 4420
        async with signed_in(url, token) as again:
            await again.subscribe(EVERYTHING, after=heard[-1])
            assert heard + await _told_until(again, last) == told

        eventually(lambda: _connections(server, stage.ports[0]) <= 1)
        assert await fast.run("{ viewer { role } }", "2")


def _narrow(url: str, token: str) -> Any:
    """A connection for which little is buffered on the way; who is not asked reads 16 messages."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = url.removeprefix("http://").split(":")
    raw.connect((host, int(port)))
    raw.setblocking(False)
    return signed_in(url, token, sock=raw, ping_interval=None)


def _write(stage: Stage, events: int) -> int:
    with stage.log() as log:
        models = [new_model(log, f"busy {number}") for number in range(MODELS)]
        last = 0
        for number in range(events // 200):
            last = change(log, models[number % MODELS], 200)
        return last


async def _told_until(live: LiveSocket, least: int) -> list[int]:
    told: list[int] = []
    while not told or told[-1] < least:
        message = await live.hear()
        told.append(message["payload"]["data"]["eventsAppended"]["position"])
    return told


async def _read_when_dropped(stage: Stage, live: LiveSocket) -> tuple[list[int], Any]:
    """The positions that it finds then, and the last message."""
    api = stage.running[str(stage.ports[0])]
    dropped = "reads too slowly"
    await asyncio.to_thread(eventually, lambda: api.output.count(dropped) == SLOW, 60)
    told: list[int] = []
    while True:
        message = await live.hear()
        if message["type"] != "next":
            return told, message
        told.append(message["payload"]["data"]["eventsAppended"]["position"])


def _connections(server: psutil.Process, port: int) -> int:
    """How many clients the server has, dropped ones included until they are gone."""
    found = server.net_connections("tcp")
    return sum(one.laddr.port == port and bool(one.raddr) for one in found)
