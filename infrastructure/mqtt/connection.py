"""A gateway's connection to the broker: MQTT 3.1.1 with a persistent session, where a message is
delivered only when the gateway says so.

Everything speaks 3.1.1: rumqttd has a port for each version, and of what version 5 adds nothing is
relied upon (commands carry their expiry, signed).
"""

import asyncio
import hmac
import logging
import random
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiomqtt

from infrastructure.mqtt.address import BrokerAddress

KEEP_ALIVE_SECONDS = 20
ANSWER_SECONDS = 10.0
MOST_INFLIGHT = 100
"""Messages on their way at once, each way; deploy/mosquitto/mosquitto.conf has the same."""
AT_ONCE = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
"""Socket options: see edge/link/broker.py, which has the same."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """How a gateway reaches the broker.

    `tls` makes a context with a fresh certificate for each connection. In one `group` several
    gateways share what comes (`$share/{group}/…`); without, each gets everything, since rumqttd
    cannot share. The group's name is a secret (`group_of`): Mosquitto lets every device subscribe
    to anything, and what a member of a group may not read is lost."""

    address: BrokerAddress
    tls: Callable[[], ssl.SSLContext] | None = None
    group: str | None = field(default=None, repr=False)

    def shared(self, topics: Sequence[str]) -> list[str]:
        """The filters to subscribe to, for these topics. States are for every gateway: what a
        gateway that is away was given of them would be missed, and they are retained."""
        return [
            f"$share/{self.group}/{topic}" if self.group and not topic.endswith("/state") else topic
            for topic in topics
        ]


def group_of(secret: str) -> str:
    """The group of an installation's gateways, by its secret."""
    return hmac.digest(secret.encode(), b"edgewise gateways at the broker", "sha256").hex()


class Connection(aiomqtt.Client):
    """Use it as `async with`. Raises aiomqtt.MqttError when the broker goes away."""

    def __init__(self, access: BrokerAccess, client_id: str) -> None:
        super().__init__(
            access.address.host,
            access.address.port,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=False,
            keepalive=KEEP_ALIVE_SECONDS,
            timeout=ANSWER_SECONDS,
            max_inflight_messages=MOST_INFLIGHT,
            tls_context=access.tls() if access.tls else None,
            socket_options=AT_ONCE,
        )
        self.pending_calls_threshold = MOST_INFLIGHT
        self._access = access
        self._client.manual_ack_set(True)
        self._unacknowledged: deque[aiomqtt.Message] = deque()
        self._done: set[int] = set()

    async def listen(self, topics: Sequence[str]) -> None:
        """Takes its share of what comes on these topics."""
        await self.subscribe([(one, 1) for one in self._access.shared(topics)])

    async def tell(self, topic: str, payload: bytes) -> None:
        """Returns once the broker has it; it is not retained."""
        await self.publish(topic, payload, qos=1)

    async def batch(self, most: int) -> list[aiomqtt.Message]:
        """Waits for a message; gives it and those that have come meanwhile, in order. Each is to be
        acknowledged, else the broker stops sending and sends it to the next connection again."""
        batch = [await anext(self.messages)]
        while len(batch) < most and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        self._unacknowledged.extend(one for one in batch if one.qos)
        return batch

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """The message is safe. The broker hears of it once all before it are safe too: MQTT wants
        acknowledgements in order (4.6.0-2), and rumqttd ends the connection otherwise."""
        if message.qos:
            self._done.add(message.mid)
        while self._unacknowledged and self._unacknowledged[0].mid in self._done:
            first = self._unacknowledged.popleft()
            self._done.discard(first.mid)
            self._client.ack(first.mid, first.qos)


async def stay_connected(
    access: BrokerAccess,
    client_id: str,
    work: Callable[[Connection], Awaitable[None]],
) -> None:
    """Does the work with a connection, and again with a new one whenever the broker was lost;
    returns when the work does. An outage is logged once."""
    pause, lost = SHORTEST_PAUSE, False
    while True:
        try:
            async with Connection(access, client_id) as connection:
                if lost:
                    log.warning("The MQTT broker at %s is back.", access.address.url)
                pause, lost = SHORTEST_PAUSE, False
                await work(connection)
                return
        except (aiomqtt.MqttError, OSError) as error:
            if not lost:
                log.warning("The MQTT broker at %s is lost: %s", access.address.url, error)
            lost = True
        await asyncio.sleep(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, LONGEST_PAUSE)
