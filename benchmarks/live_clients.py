"""Many subscribers in one process: `python -m benchmarks.live_clients URL TOKEN COUNT`.

They read sockets and little else, so that what is measured is the server. When all have subscribed,
`ready` is printed; then a line says how many deliveries are waited for, 120 s at most. What arrived
goes to standard output as JSON: for every position the times (CLOCK_MONOTONIC, which processes
share) at which it did.
"""

import asyncio
import base64
import json
import os
import re
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

LONGEST = 120.0
QUERY = "subscription { eventsAppended { position topic recordedAt actor } }"
_POSITION = re.compile(rb'"position":(\d+)')


class Arrivals:
    """When each position arrived, and whether that is enough."""

    def __init__(self) -> None:
        self.times = defaultdict[int, list[float]](list)
        self.enough = asyncio.Event()
        self._count, self._expected = 0, sys.maxsize

    def note(self, position: int, now: float) -> None:
        self.times[position].append(now)
        self._count += 1
        self.expect(self._expected)

    def expect(self, count: int) -> None:
        self._expected = count
        if self._count >= count:
            self.enough.set()


class Subscriber(asyncio.Protocol):
    """Signs in, subscribes, and notes when each position arrives."""

    def __init__(self, host: str, token: str, arrived: Arrivals) -> None:
        self._host, self._token, self._arrived = host, token, arrived
        self._buffer = b""
        self._open = False
        self.subscribed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(error or ConnectionError("closed while signing in"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        if not self._open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._open, self._buffer = True, rest
            self._say(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {self._token}"}}
            )
        for opcode, text in self._frames():
            self._heard(opcode, text, now)

    def _heard(self, opcode: int, text: bytes, now: float) -> None:
        if opcode == 9:
            self._send(10, text)
        elif opcode == 1 and b'"type":"next"' in text:
            found = _POSITION.search(text)
            assert found is not None, text
            self._arrived.note(int(found[1]), now)
        elif opcode == 1 and b"connection_ack" in text:
            self._say({"type": "subscribe", "id": "1", "payload": {"query": QUERY}})
            # What is answered after it was taken up: a ping says that the subscription runs.
            self._say({"type": "ping"})
        elif opcode == 1 and b"pong" in text:
            self.subscribed.set_result(None)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        while len(self._buffer) >= 2:
            size, start = self._buffer[1], 2
            if size == 126:
                start = 4
                size = struct.unpack_from(">H", self._buffer, 2)[0] if len(self._buffer) > 3 else 0
            if len(self._buffer) < start + size or (start == 4 and not size):
                return
            yield self._buffer[0] & 15, self._buffer[start : start + size]
            self._buffer = self._buffer[start + size :]

    def _say(self, message: dict[str, object]) -> None:
        self._send(1, json.dumps(message).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([128 | size]) if size < 126 else bytes([254]) + struct.pack(">H", size)
        # A mask of zeros is a mask.
        self._transport.write(bytes([128 | opcode]) + length + bytes(4) + payload)


async def main(url: str, token: str, count: int) -> None:
    """Runs the subscribers until they have been told enough."""
    at, arrived = urlsplit(url), Arrivals()
    loop, few = asyncio.get_running_loop(), asyncio.Semaphore(50)

    async def subscribe() -> Subscriber:
        async with few:
            _, subscriber = await loop.create_connection(
                lambda: Subscriber(at.netloc, token, arrived), str(at.hostname), at.port or 80
            )
            await subscriber.subscribed
            return subscriber

    await asyncio.gather(*[subscribe() for _ in range(count)])
    print("ready", flush=True)
    arrived.expect(int(await asyncio.to_thread(sys.stdin.readline)))
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            await arrived.enough.wait()
    await asyncio.sleep(1)  # what is told twice would come now
    print(json.dumps(arrived.times))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
