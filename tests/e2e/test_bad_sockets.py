"""What a WebSocket client may get wrong, or do on purpose, and what it is told."""

import asyncio
import json
import resource
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from interfaces.http.silent_sockets import MOST_OF_ADDRESS
from tests.e2e.live_client import APPENDED, opened, signed_in
from tests.e2e.running import Api
from tests.patience import PATIENCE
from tests.services.programs import unavailable

SILENT = 10_000
NEVER_SPOKE = (4408, "Connection initialisation timeout")
PUSHED_OUT = (4408, "Too many connections wait to say who they are.")
CHANGED = "subscription ($m: ID!) { modelChanged(modelId: $m) { event { position } } }"


@pytest.fixture
def many_files() -> Iterator[int]:
    """As many open files as this process may have; returns how many sockets are tried."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed = SILENT if hard == resource.RLIM_INFINITY else min(SILENT, hard - 1000)
    if allowed < 4 * MOST_OF_ADDRESS:
        unavailable(f"{hard} open files are allowed, too few for a flood: raise `ulimit -Hn`")
    yield allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
async def test_thousands_that_never_say_who_they_are_keep_nobody_out(
    platform: Api, many_files: int
) -> None:
    """10,000 where the limit of open files allows it, else as many as it does."""
    silent: list[socket.socket] = []
    try:
        flood = asyncio.create_task(asyncio.to_thread(_open, platform.url, many_files, silent))
        served = 0
        while not flood.done():
            served += await _is_served(platform)
            await asyncio.sleep(0.2)
        await flood
        assert served > 0
        assert len(silent) == many_files
        assert await asyncio.to_thread(_closing, silent[-1]) == NEVER_SPOKE
        early = silent[: -2 * MOST_OF_ADDRESS : MOST_OF_ADDRESS]
        endings = {await asyncio.to_thread(_closing, one) for one in early}
        assert PUSHED_OUT in endings <= {PUSHED_OUT, NEVER_SPOKE}
    finally:
        for one in silent:
            one.close()
    assert platform.run("{ viewer { role } }")["viewer"]


async def _is_served(platform: Api) -> bool:
    """Whether a client gets its answer. On a machine so slow that hundreds come before it has said
    who it is, it is pushed out as they are, and tries again."""
    try:
        async with signed_in(platform.url, platform.token) as live:
            return bool((await live.run("{ viewer { role } }"))["data"])
    except ConnectionClosed as closed:
        if (closed.rcvd and closed.rcvd.code) != 4408:
            raise
        return False


async def test_the_legacy_protocol_and_none_are_refused(platform: Api) -> None:
    async with opened(platform.url, subprotocols=[Subprotocol("graphql-ws")]) as live:
        assert (await live.closed())[0] == 4406
    async with opened(platform.url, subprotocols=None) as live:
        assert (await live.closed())[0] == 4406


async def test_a_page_of_another_site_is_refused(platform: Api) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(platform.url, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": "Bearer ew_unknown"},
        {"authorization": "Bearer " + "x" * 10_000},
        {"authorization": ["Bearer"]},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer ёж"},
    ],
)
async def test_who_cannot_be_known_is_closed_with_the_reason(platform: Api, payload: Any) -> None:
    async with opened(platform.url) as live:
        await live.say(type="connection_init", payload=payload)
        code, reason = await live.closed()
        assert code == 4403
        assert "key" in reason


async def test_nothing_runs_before_signing_in(platform: Api) -> None:
    async with opened(platform.url) as live:
        await live.say(type="ping")
        assert (await live.hear())["type"] == "pong"
        await live.subscribe("{ viewer { role } }")
        assert (await live.closed())[0] == 4401


async def test_signing_in_twice_is_too_often(platform: Api) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.say(type="connection_init")
        assert (await live.closed())[0] == 4429


async def test_an_id_that_is_in_use_is_refused(platform: Api) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.subscribe(APPENDED, "same")
        await live.subscribe(APPENDED, "same")
        assert (await live.closed())[0] == 4409


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "[" * 500_000,
        '{"type": "explode"}',
        '{"type": 5}',
        '{"id": "1"}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "subscribe", "payload": {"query": "{ viewer { role } }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { role } }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer { role } }"}}',
        json.dumps({"type": "subscribe", "id": "x" * 1000, "payload": {"query": "{ a }"}}),
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
        '{"type": "complete", "id": {}}',
    ],
)
async def test_a_malformed_message_is_closed_with_what_is_wrong(platform: Api, text: str) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.socket.send(text)
        code, reason = await live.closed()
        assert code == 4400
        assert reason


async def test_bytes_are_not_text(platform: Api) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.socket.send(b'{"type": "ping"}')
        assert (await live.closed())[0] == 4400


@pytest.mark.parametrize("size", [2**20 + 1, 2**24])
async def test_a_huge_frame_is_too_large(platform: Api, size: int) -> None:
    async with signed_in(platform.url, platform.token) as live:
        sending = asyncio.create_task(live.socket.send("x" * size))
        assert (await live.closed())[0] == 1009
        await asyncio.gather(sending, return_exceptions=True)


async def test_one_that_is_huge_in_small_pieces_is_too_large_too(platform: Api) -> None:
    async with signed_in(platform.url, platform.token) as live:
        sending = asyncio.create_task(live.socket.send(["x" * 1024] * 4096))
        assert (await live.closed())[0] == 1009
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_thousand_subscriptions_on_one_socket_are_too_many_and_the_rest_go_on(
    platform: Api,
) -> None:
    async with signed_in(platform.url, platform.token) as live:
        head = platform.events()[-1]["position"]
        for number in range(1000):
            await live.subscribe(APPENDED, str(number), after=head)
        refused = [await live.hear() for _ in range(900)]
        codes = {message["payload"][0]["extensions"]["code"] for message in refused}
        assert codes == {"TOO_MANY_OPERATIONS"}
        assert {int(message["id"]) for message in refused} == set(range(100, 1000))
        name = f"told a hundred times {uuid4().hex[:8]}"
        await asyncio.to_thread(
            platform.change,
            "mutation ($n: String!) { modelRegister(name: $n, task: OTHER)"
            " { userErrors { code } } }",
            n=name,
        )
        told: set[str] = set()
        while len(told) < 100:
            told.add((await live.hear())["id"])
        assert told == {str(number) for number in range(100)}
        await live.say(type="complete", id="0")
        await live.subscribe(APPENDED, "another")
        await live.say(type="ping")
        while (message := await live.hear())["type"] != "pong":
            assert message["type"] == "next"


@pytest.mark.parametrize("after", [-1, 10**9, "many", 1.5, 2**60, [1], True])
async def test_a_wrong_position_is_invalid_and_the_socket_lives(platform: Api, after: Any) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.subscribe(APPENDED, after=after)
        answer = await live.hear()
        errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert "after" in str(errors)
        if after in (-1, 10**9):
            assert errors[0]["extensions"] == {"code": "INVALID", "field": "after"}
        await live.say(type="ping")
        while (await live.hear())["type"] != "pong":
            pass


async def test_a_query_that_cannot_be_parsed_is_an_error_and_the_socket_lives(
    platform: Api,
) -> None:
    async with signed_in(platform.url, platform.token) as live:
        await live.subscribe("subscription {")
        assert (await live.hear())["type"] == "error"
        assert (await live.run("{ viewer { role } }", "2"))["data"]


async def test_what_is_not_there_is_not_found(platform: Api) -> None:
    """Another tenant's object reads the same: tests/interfaces/graphql/test_foreign_ids.py."""
    async with signed_in(platform.url, platform.token) as live:
        for query, name in ((CHANGED, "m"), (APPENDED, "of")):
            await live.subscribe(query, name, **{name: str(uuid4())})
            while (answer := await live.hear())["type"] == "complete":
                pass
            errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
            assert errors[0]["extensions"]["code"] == "NOT_FOUND"


def _open(url: str, count: int, into: list[socket.socket]) -> None:
    """Opens WebSockets that say nothing; they are not read from either."""
    host, port = url.removeprefix("http://").split(":")
    request = (
        f"GET /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()
    for _ in range(count):
        into.append(socket.create_connection((host, int(port)), timeout=PATIENCE))
        into[-1].sendall(request)


def _closing(silent: socket.socket) -> tuple[int, str]:
    """The code and reason of the close frame, after the answer to the handshake."""
    silent.settimeout(PATIENCE)
    heard = b""
    while part := silent.recv(4096):
        heard += part
    assert heard.startswith(b"HTTP/1.1 101"), heard
    frame = heard.partition(b"\r\n\r\n")[2]
    assert frame[0] == 0x88, frame
    return int.from_bytes(frame[2:4], "big"), frame[4:].decode()
