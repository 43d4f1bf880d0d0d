"""A client of subscriptions that knows the protocol and nothing else, on the package websockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.patience import PATIENCE

PATIENT = {"open_timeout": PATIENCE, "ping_timeout": PATIENCE}
PROTOCOL = Subprotocol("graphql-transport-ws")
APPENDED = """subscription ($after: BigInt, $of: ID) {
  eventsAppended(after: $after, of: $of) { position topic }
}"""


class LiveSocket:
    """A connection that may have signed in."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, seconds: float = PATIENCE) -> Any:
        """The next message."""
        async with asyncio.timeout(seconds):
            return json.loads(await self.socket.recv())

    async def subscribe(self, query: str, id: str = "1", **variables: Any) -> None:
        await self.say(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def run(self, query: str, id: str = "1", **variables: Any) -> Any:
        """The payload of a query or mutation."""
        await self.subscribe(query, id, **variables)
        answer, end = await self.hear(), await self.hear()
        assert (answer["type"], end["type"]) == ("next", "complete"), (answer, end)
        return answer["payload"]

    async def closed(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """The code and reason with which the server closes; what comes before is passed over."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as closed:
            received = closed.rcvd
            return (received.code, received.reason) if received else (1006, "")

    def cut(self) -> None:
        """As when a cable is pulled: no close frame, and nobody is told."""
        self.socket.transport.abort()


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[LiveSocket]:
    """A connection on which nothing was said yet. `url` is that of the server."""
    options = {"subprotocols": [PROTOCOL], "proxy": None, "close_timeout": 2, **PATIENT, **options}
    async with connect("ws" + url.removeprefix("http") + "/graphql", **options) as socket:
        yield LiveSocket(socket)


@asynccontextmanager
async def signed_in(url: str, token: str, **options: Any) -> AsyncIterator[LiveSocket]:
    async with opened(url, **options) as live:
        await live.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await live.hear())["type"] == "connection_ack"
        yield live
