"""A key that is revoked while a socket is open closes it, in whichever process it is."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest

from tests.e2e.live_client import APPENDED, LiveSocket, opened, signed_in
from tests.e2e.running import Api
from tests.e2e.stage import Stage
from tests.services.postgres import OwnPostgres
from tests.services.session_folder import new_folder

ISSUE = """mutation ($label: String!) {
  apiKeyIssue(label: $label, role: OPERATOR) {
    apiKey { id } secret userErrors { code field message } } }"""
REVOKE = """mutation ($id: ID!) {
  apiKeyRevoke(apiKeyId: $id) { eventPosition userErrors { code field message } } }"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    server = OwnPostgres(new_folder("postgres"))
    server.start()
    made = Stage(server, tmp_path_factory.mktemp("ended") / "home")
    yield made
    made.close()
    server.kill()


@pytest.fixture(scope="module")
def api(stage: Stage) -> Api:
    """One of two API processes."""
    return Api(stage.urls[0], stage.start())


async def test_a_revoked_key_closes_its_sockets_in_every_process_and_no_others(
    stage: Stage, api: Api
) -> None:
    key = await asyncio.to_thread(api.change, ISSUE, label="short-lived")
    async with AsyncExitStack() as opening:
        sockets = [
            await opening.enter_async_context(signed_in(url, token))
            for url in stage.urls
            for token in (key["secret"], key["secret"], api.token)
        ]
        for number, live in enumerate(sockets):
            if number % 3 != 1:  # one in three only signed in
                await live.subscribe(APPENDED)
                await live.subscribe("{ viewer { role } }", "probe")
                assert (await live.hear())["id"] == "probe"
        await asyncio.to_thread(api.change, REVOKE, id=key["apiKey"]["id"])
        ended = [live for number, live in enumerate(sockets) if number % 3 != 2]
        found = await asyncio.gather(*[live.closed() for live in ended])
        assert found == [(4403, "The API key was revoked.")] * 4
        for live in (sockets[2], sockets[5]):
            assert await _viewer(live) == "OWNER"


async def test_a_key_that_is_revoked_where_no_word_arrives_is_found_out_all_the_same(
    stage: Stage, api: Api
) -> None:
    """The row is changed behind the log's back: no event, no word."""
    key = await asyncio.to_thread(api.change, ISSUE, label="behind the back")
    async with signed_in(stage.urls[1], key["secret"]) as live:
        with psycopg.connect(stage.postgres.url) as owner:
            owner.execute("UPDATE api_keys SET revoked_at = now() WHERE label = 'behind the back'")
        code, reason = await live.closed()
        assert (code, reason) == (4403, "Your access has ended. Sign in again.")


async def test_a_revoked_key_cannot_connect_again(stage: Stage, api: Api) -> None:
    key = await asyncio.to_thread(api.change, ISSUE, label="once")
    await asyncio.to_thread(api.change, REVOKE, id=key["apiKey"]["id"])
    async with opened(stage.urls[1]) as live:
        await live.say(type="connection_init", payload={"authorization": key["secret"]})
        assert (await live.closed())[0] == 4403
    async with opened(stage.urls[1]) as live:
        secret = f"Bearer {key['secret']}"
        await live.say(type="connection_init", payload={"Authorization": secret})
        assert (await live.closed())[0] == 4403


async def _viewer(live: LiveSocket) -> Any:
    """The role of who is signed in, asked while a subscription may be telling."""
    await live.subscribe("{ viewer { role } }", "viewer")
    while True:
        message = await live.hear()
        if message["id"] == "viewer":
            return message["payload"]["data"]["viewer"]["role"]
