"""Clients that are cut off again and again, and come back with the last position they have.

Meanwhile events are written, API processes are restarted (by SIGTERM or `kill -9`) and so is
PostgreSQL. Afterwards every client must have been told every event once, in order; the truth is the
table of events.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from websockets.exceptions import WebSocketException

from tests.e2e.live_client import APPENDED, LiveSocket, signed_in
from tests.e2e.stage import Stage, change, new_model
from tests.patience import PATIENCE, eventually

CHANGED = """subscription ($of: ID!, $after: BigInt) {
  modelChanged(modelId: $of, after: $after) { model { status } event { position } }
}"""
GONE = (OSError, WebSocketException, TimeoutError, EOFError)


@dataclass
class Follower:
    """One client: what it asks for, and the positions it was told."""

    query: str
    of: UUID | None = None
    told: list[int] = field(default_factory=list)
    cuts: int = 0
    refused: list[Any] = field(default_factory=list)

    async def follow(self, urls: list[str], token: str, wild: Callable[[], bool]) -> None:
        """Until canceled; while `wild`, it cuts its own connection every now and then."""
        while True:
            url = random.choice(urls)
            try:
                async with asyncio.timeout(PATIENCE):
                    entering = signed_in(url, token)
                    live = await entering.__aenter__()
            except (*GONE, AssertionError):
                await asyncio.sleep(0.2)
                continue
            try:
                await self._listen(live, wild)
            except GONE:
                self.cuts += 1
            finally:
                live.cut()

    async def _listen(self, live: LiveSocket, wild: Callable[[], bool]) -> None:
        cut_at = time.monotonic() + random.expovariate(1 / 2.0)
        after = self.told[-1] if self.told else 0
        await live.subscribe(self.query, after=after, of=None if self.of is None else str(self.of))
        while True:
            left = cut_at - time.monotonic() if wild() else 5.0
            if left <= 0:
                raise TimeoutError
            try:
                message = await live.hear(left)
            except TimeoutError:
                if wild():
                    raise
                continue
            if message["type"] != "next" or message["payload"].get("errors"):
                self.refused.append(message)
                raise EOFError
            (value,) = message["payload"]["data"].values()
            self.told.append(int((value.get("event") or value)["position"]))


@dataclass
class Outcome:
    """What happened, and what it did to the clients."""

    events: int
    deliveries: int
    cuts: int
    api_restarts: int
    postgres_restarts: int
    missing: int
    doubled: int
    disordered: int
    refused: dict[str, int]

    @property
    def flawless(self) -> bool:
        return not (self.missing or self.doubled or self.disordered)


def write_until(done: threading.Event, stage: Stage, models: list[UUID]) -> None:
    """Changes models for as long as told to, through the log, whatever becomes of PostgreSQL."""
    with stage.log() as log:
        while not done.wait(random.uniform(0, 0.05)):
            try:
                change(log, random.choice(models), random.choice((2, 2, 2, 10, 80)))
            except (OperationalError, PoolTimeout):
                pass


@asynccontextmanager
async def _writing(stage: Stage) -> AsyncIterator[list[UUID]]:
    """Models that are being changed."""
    with stage.log() as log:
        models = [new_model(log, f"model {number}") for number in range(3)]
    done = threading.Event()
    writer = asyncio.create_task(asyncio.to_thread(write_until, done, stage, models))
    try:
        yield models
    finally:
        done.set()
        await writer


def _code(message: Any) -> str:
    """Why a subscription was ended by the server."""
    payload = message.get("payload", message["type"])
    errors = payload.get("errors") if isinstance(payload, dict) else payload
    return str(errors[0]["extensions"]["code"]) if isinstance(errors, list) else str(errors)


async def cut_and_come_back(stage: Stage, token: str, seconds: float) -> Outcome:
    """Runs for as long, and on until enough was cut off; then waits until every client has all that
    was written."""
    end, calm = time.monotonic() + seconds, asyncio.Event()
    apis = servers = 0
    followers = [Follower(APPENDED) for _ in range(6)]
    async with _writing(stage) as models:
        followers += [Follower(APPENDED, models[0]), Follower(CHANGED, models[1])]
        tasks = [
            asyncio.create_task(one.follow(stage.urls, token, lambda: not calm.is_set()))
            for one in followers
        ]
        while time.monotonic() < end or sum(one.cuts for one in followers) <= seconds / 5:
            await asyncio.sleep(random.uniform(1, 4))
            if apis <= servers:
                await asyncio.to_thread(stage.restart_api)
                apis += 1
            else:
                await asyncio.to_thread(stage.restart_postgres)
                servers += 1
        calm.set()
    written = {one.of: stage.written(one.of) for one in followers}
    with suppress(AssertionError):  # who is late is counted below
        await asyncio.to_thread(
            eventually, lambda: all(one.told[-1:] == written[one.of][-1:] for one in followers)
        )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Outcome(
        events=len(written[None]),
        deliveries=sum(len(one.told) for one in followers),
        cuts=sum(one.cuts for one in followers),
        api_restarts=apis,
        postgres_restarts=servers,
        missing=sum(len(set(written[one.of]) - set(one.told)) for one in followers),
        doubled=sum(len(one.told) - len(set(one.told)) for one in followers),
        disordered=sum(one.told != sorted(one.told) for one in followers),
        refused=Counter(_code(message) for one in followers for message in one.refused),
    )
