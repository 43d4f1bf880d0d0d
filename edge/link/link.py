"""The link module: keeps one MQTT connection to the broker, for as long as the agent runs.

MQTT 3.1.1, which every broker speaks, with a session that the broker keeps, so that what is said
with QoS 1 to a device that is away waits for it. Each connection: will, birth (retained),
`twin/get`, then a heartbeat every HEARTBEAT_SECONDS. It never gives up; the pause between tries
grows, with jitter. What is heard is acknowledged to the broker by whoever handled it: a command
only when it is kept.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import aiomqtt

from edge.agent.supervisor import Pause
from edge.home import Home
from edge.identity.identity import Identity
from edge.link.acknowledging import InOrder
from edge.link.broker import AT_ONCE, BrokerAddress
from edge.link.session import Heard, Saying, Session
from edge.protocol.bodies import HEARTBEAT_SECONDS
from edge.protocol.envelope import BadEnvelope
from edge.protocol.topics import Said
from edge.version import VERSION

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 60.0
ANSWERS_WITHIN = 20.0
MOST_REASONS = 50

log = logging.getLogger("edge.link")

Body = Mapping[str, Any]
Acknowledge = Callable[[], None]
Handler = Callable[[Body, Acknowledge], None]
"""Takes a body at once, without waiting; and acknowledges it when it is safe to forget."""


class NotConnected(RuntimeError):
    """There is no connection just now."""


class Link:
    """`facts` are told at birth. `greeted` is called after each connection's birth."""

    def __init__(
        self,
        home: Home,
        session: Session,
        identity: Callable[[], Identity],
        facts: Callable[[], Body],
        keepalive: int,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._home, self.session, self._identity = home, session, identity
        self._facts, self._keepalive = facts, keepalive
        self._heartbeat = heartbeat_seconds
        self._handlers: dict[Heard, Handler] = {}
        self._greeted: list[Callable[[], Awaitable[None]]] = []
        self._client: aiomqtt.Client | None = None
        self._started_at = session.clock.now()
        self._again = asyncio.Event()
        self.refused: Counter[str] = Counter()
        self.connections = 0
        self.problem: str | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    def on(self, kind: Heard, handler: Handler) -> None:
        self._handlers[kind] = handler

    def on_connection(self, greet: Callable[[], Awaitable[None]]) -> None:
        self._greeted.append(greet)

    def connect_again(self) -> None:
        """With the identity as it is now: a renewed certificate."""
        self._again.set()

    async def say(self, kind: Said, body: Body, command: UUID | None = None) -> None:
        """Returns when the broker has it. Raises NotConnected, BadEnvelope."""
        await self._publish(self._client, self.session.say(kind, body, command))

    async def run(self) -> None:
        pause = Pause(FIRST_PAUSE, LONGEST_PAUSE)
        while True:
            before = self.connections
            try:
                await self._one_connection()
            except (aiomqtt.MqttError, NotConnected, OSError, ValueError) as error:
                problem = str(error) or type(error).__name__
                if problem != self.problem:
                    log.warning("no connection to %s: %s", self._identity().broker, problem)
                self.problem = problem
            if self.connections > before:
                pause.calm()
            await asyncio.sleep(pause.next())

    async def _one_connection(self) -> None:
        identity = self._identity()
        broker = BrokerAddress.of(identity.broker)
        context = await asyncio.to_thread(broker.tls, self._home, identity, self.session.clock)
        will = self.session.will()
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=identity.address.user_name,
            identifier=identity.address.client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(will.topic, will.payload, 1, will.retain),
            clean_session=False,
            keepalive=self._keepalive,
            tls_context=context,
            timeout=ANSWERS_WITHIN,
            max_inflight_messages=100,
            socket_options=AT_ONCE,
        )
        client._client.manual_ack_set(True)  # aiomqtt has no way to say so
        client.pending_calls_threshold = 1_000
        self._again.clear()
        async with client:
            await self._talk(client)

    async def _talk(self, client: aiomqtt.Client) -> None:
        tasks = [asyncio.create_task(self._hear(client))]
        try:
            await client.subscribe([(topic, 1) for topic in self.session.address.heard])
            birth = self.session.birth(self._facts(), VERSION, self._started_at)
            await self._publish(client, birth)
            self._client, self.problem = client, None
            self.connections += 1
            log.info(
                "connected to %s as %s", self._identity().broker, self.session.address.user_name
            )
            await self.say(Said.TWIN_WANTED, {})
            for greet in self._greeted:
                await greet()
            tasks += [asyncio.create_task(self._beat()), asyncio.create_task(self._until_again())]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            await self._farewell(client)
            raise
        finally:
            self._client = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _farewell(self, client: aiomqtt.Client) -> None:
        try:
            async with asyncio.timeout(3):
                await self._publish(client, self.session.farewell())
        except (NotConnected, TimeoutError):
            pass  # the will says it

    async def _until_again(self) -> None:
        await self._again.wait()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            await self.say(Said.HEARTBEAT, {})

    async def _publish(self, client: aiomqtt.Client | None, saying: Saying) -> None:
        if client is None:
            raise NotConnected("no connection to the broker")
        try:
            await client.publish(saying.topic, saying.payload, qos=1, retain=saying.retain)
        except (aiomqtt.MqttError, ValueError) as error:
            raise NotConnected(str(error)) from None

    async def _hear(self, client: aiomqtt.Client) -> None:
        in_order = InOrder(client._client.ack)
        async for message in client.messages:
            acknowledge = in_order.arrived(message.mid, message.qos)
            self._take(str(message.topic), message.payload, acknowledge)

    def _take(self, topic: str, payload: bytes, acknowledge: Acknowledge) -> None:
        try:
            heard = self.session.hear(topic, payload)
            handler = self._handlers.get(heard[0]) if heard else None
            if heard is None or handler is None:
                raise BadEnvelope("a topic that this agent does not know")
            handler(heard[1], acknowledge)
        except BadEnvelope as error:
            self.refuse(str(error))
            acknowledge()
        except Exception as error:  # of a module, which must not end the connection
            log.exception("what was heard on %s could not be handled", topic)
            self.refuse(f"not handled: {type(error).__name__}")
            acknowledge()  # what matters, the platform says again

    def refuse(self, reason: str) -> None:
        """Counts a message that was dropped; each reason is logged once."""
        if reason not in self.refused and len(self.refused) >= MOST_REASONS:
            reason = "other reasons"
        self.refused[reason] += 1
        if self.refused[reason] == 1:
            log.warning("a message was dropped: %s", reason)
