"""Messages that a gateway got at once: those of one device count in their order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from application.gateway.upkeep import end_sessions
from edge.protocol.envelope import Envelope, encoded
from edge.protocol.topics import HEARD_FROM_ALL, Said
from infrastructure.postgres.device_sessions import PostgresDeviceSessions
from interfaces.mqtt.gateway import Gateway
from tests.gateway.conftest import Talking, World


@dataclass(frozen=True)
class Came:
    topic: str
    payload: bytes
    retain: bool = False


class OneBatch:
    """A connection on which so much came at once, and nothing after it."""

    def __init__(self, messages: Sequence[Came]) -> None:
        self._messages, self._given = messages, False
        self.acknowledged: list[Came] = []
        self.done = asyncio.Event()

    async def listen(self, topics: Sequence[str]) -> None: ...

    async def tell(self, topic: str, payload: bytes) -> None: ...

    async def batch(self, most: int) -> list[Came]:
        if self._given:
            await asyncio.Event().wait()
        self._given = True
        return list(self._messages)

    def acknowledge(self, message: Came) -> None:
        self.acknowledged.append(message)
        if len(self.acknowledged) == len(self._messages):
            self.done.set()


def taken(world: World, messages: Sequence[Came]) -> list[Came]:
    """What was acknowledged, in that order."""

    async def run() -> list[Came]:
        sessions = PostgresDeviceSessions(world.database)
        connection = OneBatch(messages)
        gateway = Gateway(world.hearing, world.delivering, sessions, HEARD_FROM_ALL, (), 2)
        work = asyncio.create_task(gateway.work(connection))
        done = asyncio.create_task(connection.done.wait())
        async with asyncio.timeout(60):
            await asyncio.wait([work, done], return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return connection.acknowledged

    return asyncio.run(run())


def came(device: Talking, kind: Said, **body: object) -> Came:
    device.seq += 1
    return Came(device.address.said(kind), encoded(Envelope(device.boot_id, device.seq, 1e9, body)))


def test_a_goodbye_that_came_with_a_heartbeat_before_it_is_the_end(world: World) -> None:
    here, leaves = world.joined(), world.joined()
    for one in (here, leaves):
        one.is_born()
    messages = [
        came(leaves, Said.HEARTBEAT),
        came(here, Said.HEARTBEAT),
        came(leaves, Said.STATE, online=False, reason="stopped"),
        came(here, Said.HEARTBEAT),
    ]
    assert len(taken(world, messages)) == len(messages)
    end_sessions(world.platform, PostgresDeviceSessions(world.database))
    assert (here.now.online, leaves.now.online) == (True, False)


def test_a_birth_and_what_follows_it_count_in_their_order(world: World) -> None:
    device = world.joined()
    messages = [
        came(device, Said.STATE, online=True, facts={"host": "pi"}),
        came(device, Said.HEARTBEAT),
        came(device, Said.REPORTED, version=1, reported={"n": 1}),
    ]
    assert len(taken(world, messages)) == len(messages)
    assert (device.now.online, device.now.reported) == (True, {"n": 1})
