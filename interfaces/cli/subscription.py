"""A GraphQL subscription over `graphql-transport-ws` that survives a lost connection.

Whatever has a position is told once: after a cut the subscription is asked for again `after` the
last position seen, and what is not newer than that is dropped. Ticks have no position and are
passed on as they come. A refusal by the server ends it; silence of the network does not, until
some tries in a row brought nothing.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from interfaces.cli.client import away, is_loopback
from interfaces.cli.connection import Server
from interfaces.cli.refused import CommandRefused, of_graphql_errors

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

PROTOCOL = "graphql-transport-ws"
MOST_TRIES = 12
LONGEST_PAUSE = 5.0
_REFUSED = {
    4400: "INVALID",
    4401: "UNAUTHENTICATED",
    4403: "FORBIDDEN",
    4406: "INVALID",
    4409: "CONFLICT",
}

PositionOf = Callable[[dict[str, Any]], int | None]


class _Cut(Exception):
    """The connection was lost; what follows may be asked for again."""


def follow(
    server: Server,
    document: str,
    variables: dict[str, Any],
    *,
    position_of: PositionOf,
    after: int | None = None,
    most_tries: int = MOST_TRIES,
    on_cut: Callable[[str], None] = lambda reason: None,
) -> Iterator[dict[str, Any]]:
    """The field of each message, until the server completes. The document takes `$after`.

    Raises CommandRefused when the server refuses, ServerAway when it stays away."""
    tried = 0
    while True:
        try:
            for value in _session(server, document, {**variables, "after": after}):
                tried = 0
                position = position_of(value)
                if position is not None:
                    if after is not None and position <= after:
                        continue
                    after = position
                yield value
            return
        except _Cut as cut:
            tried += 1
            if tried >= most_tries:
                raise away(server.url, cut) from cut
            on_cut(str(cut))
            time.sleep(min(0.1 * 2**tried, LONGEST_PAUSE))


def _session(server: Server, document: str, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One connection. Raises _Cut when it is lost before the server completes."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    address = "ws" + server.url.removeprefix("http") + "/graphql"
    # A proxy between this machine and itself is never meant.
    proxy: Literal[True] | None = None if is_loopback(server.url) else True
    try:
        with connect(
            address,
            subprotocols=[Subprotocol(PROTOCOL)],
            proxy=proxy,
            max_size=2**24,
            close_timeout=1,
        ) as socket:
            yield from _messages(socket, server.token, document, variables)
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 1006
        if code in _REFUSED:
            reason = closed.rcvd.reason if closed.rcvd else ""
            raise CommandRefused(_REFUSED[code], reason or "The server refused.") from closed
        raise _Cut(f"the connection was closed ({code})") from closed
    except InvalidURI as error:
        raise CommandRefused("INVALID", str(error), "server") from error
    except (InvalidHandshake, OSError, EOFError) as error:
        raise _Cut(str(error) or type(error).__name__) from error


def _messages(
    socket: "ClientConnection", token: str, document: str, variables: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    _send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
    while True:
        message = json.loads(socket.recv())
        match message["type"]:
            case "connection_ack":
                payload = {"query": document, "variables": variables}
                _send(socket, id="1", type="subscribe", payload=payload)
            case "next":
                yield _field(message["payload"])
            case "error":
                raise of_graphql_errors(message["payload"])
            case "complete":
                return
            case "ping":
                _send(socket, type="pong")


def _send(socket: "ClientConnection", **message: Any) -> None:
    socket.send(json.dumps(message))


def _field(payload: dict[str, Any]) -> dict[str, Any]:
    if payload.get("errors"):
        raise of_graphql_errors(payload["errors"])
    value: dict[str, Any] = next(iter(payload["data"].values()))
    return value
