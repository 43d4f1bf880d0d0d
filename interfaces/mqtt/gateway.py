"""The gateway: what devices say goes in, what the platform has to say goes out.

A message is acknowledged to the broker once what it brings about is durable. Messages of one device
are taken in order; different devices' at once, so that their events share a commit. What cannot be
taken because the database is away is tried until it is back: the broker keeps the rest meanwhile.
"""

import asyncio
import functools
import logging
import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from application.gateway.delivering import Delivering
from application.gateway.hearing import Hearing
from application.gateway.telling import Message
from application.ports.brokers import BrokerUnreachable
from application.ports.device_outbox import Due
from application.ports.device_sessions import DeviceSessions
from edge.protocol.topics import TELEMETRY, Said

MOST_AT_ONCE = 256
TOGETHER = re.compile(f"/({'|'.join((Said.REPORTED, *TELEMETRY))})$")
"""What is not answered with anything that depends on the order of messages."""
HEARTBEAT = f"/{Said.HEARTBEAT}"
LOOK_AGAIN_SECONDS = 1.0
PAUSE_SECONDS = 0.5
MOST_TRIES = 5

log = logging.getLogger(__name__)


class Arrived(Protocol):
    """A message that came."""

    @property
    def topic(self) -> object: ...
    @property
    def payload(self) -> object: ...
    @property
    def retain(self) -> bool: ...


A = TypeVar("A", bound=Arrived)


class Connected(Protocol[A]):
    """A connection to the broker."""

    async def listen(self, topics: Sequence[str]) -> None: ...

    async def batch(self, most: int) -> list[A]: ...

    def acknowledge(self, message: A) -> None: ...

    async def tell(self, topic: str, payload: bytes) -> None:
        """Returns once the broker has it."""
        ...


class Gateway:
    """`away` are the exceptions that say that the database is away; `threads` bounds the
    connections that are used at once."""

    def __init__(
        self,
        hearing: Hearing,
        delivering: Delivering,
        sessions: DeviceSessions,
        topics: Sequence[str],
        away: tuple[type[Exception], ...],
        threads: int,
    ) -> None:
        self._hearing, self._delivering, self._sessions = hearing, delivering, sessions
        self._topics, self._away = topics, away
        self._put_off: tuple[type[Exception], ...] = (BrokerUnreachable, *away)
        self._hearers, self._tellers = CapacityLimiter(threads), CapacityLimiter(2)
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something to tell. On the event loop's thread."""
        self._news.set()

    async def work(self, connection: Connected[A]) -> None:
        """Until the connection breaks: raises what it raises."""
        await anyio.to_thread.run_sync(self._sessions.presume_alive)
        await connection.listen(self._topics)
        listening = asyncio.create_task(self._listen(connection))
        telling = asyncio.create_task(self._tell(connection))
        try:
            await asyncio.gather(listening, telling)
        finally:
            for task in (listening, telling):
                task.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)

    async def _listen(self, connection: Connected[A]) -> None:
        while True:
            lanes: dict[str, list[A]] = {}
            together: list[A] = []
            for message in await connection.batch(MOST_AT_ONCE):
                topic = str(message.topic)
                if TOGETHER.search(topic):
                    together.append(message)
                else:
                    lanes.setdefault("/".join(topic.split("/", 4)[:4]), []).append(message)
            for device in [one for one, lane in lanes.items() if _beats(lane)]:
                together += lanes.pop(device)
            await asyncio.gather(
                self._take_together(connection, together),
                *(self._lane(connection, lane) for lane in lanes.values()),
            )

    async def _take_together(self, connection: Connected[A], messages: list[A]) -> None:
        """In one transaction; one by one where they fail together."""
        if not messages:
            return
        pairs = [(str(one.topic), _bytes(one)) for one in messages]
        try:
            hear = functools.partial(self._hearing.hear_together, pairs)
            answers = await anyio.to_thread.run_sync(hear, limiter=self._hearers)
        except Exception as error:
            log.warning("messages that came together are taken one by one: %s", error)
            for one in messages:
                await self._lane(connection, [one])
            return
        for answer in answers:
            await connection.tell(answer.topic, answer.payload)
        for one in messages:
            connection.acknowledge(one)

    async def _lane(self, connection: Connected[A], lane: list[A]) -> None:
        for message in lane:
            hear = functools.partial(
                self._hearing.hear, str(message.topic), _bytes(message), message.retain
            )
            for answer in await self._heard(hear):
                await connection.tell(answer.topic, answer.payload)
            connection.acknowledge(message)

    async def _heard(self, hear: "functools.partial[list[Message]]") -> list[Message]:
        """What is answered; nothing to a message that fails again and again for another reason than
        the database's: it would stop its device for ever."""
        tried = 0
        while True:
            try:
                return await anyio.to_thread.run_sync(hear, limiter=self._hearers)
            except self._away as error:
                log.warning("the database is away: %s", error)
            except Exception:
                tried += 1
                if tried == MOST_TRIES:
                    log.exception("a message was given up after %d tries", tried)
                    return []
            await asyncio.sleep(PAUSE_SECONDS)

    async def _tell(self, connection: Connected[A]) -> None:
        while True:
            self._news.clear()
            try:
                due = await anyio.to_thread.run_sync(
                    self._delivering.due, MOST_AT_ONCE, limiter=self._tellers
                )
            except self._away as error:
                log.warning("the database is away: %s", error)
                due = []
            await asyncio.gather(*(self._deliver(connection, one) for one in due))
            if len(due) < MOST_AT_ONCE:
                try:
                    await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_SECONDS)
                except TimeoutError:
                    pass

    async def _deliver(self, connection: Connected[A], due: Due) -> None:
        """A row that fails here is due again in some seconds."""
        make = functools.partial(self._delivering.message, due)
        try:
            message = await anyio.to_thread.run_sync(make, limiter=self._tellers)
            if message is not None:
                await connection.tell(message.topic, message.payload)
            done = functools.partial(self._delivering.done, due)
            await anyio.to_thread.run_sync(done, limiter=self._tellers)
        except self._put_off as error:
            log.warning("%s is put off: %s", due.key, error)


def _beats(lane: Sequence[Arrived]) -> bool:
    """Whether a device says nothing but that it is there. With its birth or its goodbye among
    them, the order counts: a heartbeat after a goodbye would take it back."""
    return all(str(one.topic).endswith(HEARTBEAT) for one in lane)


def _bytes(message: Arrived) -> bytes:
    return message.payload if isinstance(message.payload, bytes) else b""
