"""What is shared is told once to each, by position; who is slow falls behind alone."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from strawberry.types import ExecutionResult

from domain.principal import Principal, Role
from interfaces.graphql.context import Following
from interfaces.http.shared_results import KEPT, Alike, Asked, FellBehind, SharedResults
from interfaces.http.silent_sockets import SilentSockets

QUERY = """subscription ($from: BigInt, $of: ID) {
  eventsAppended(after: $from, of: $of) { position } }"""


async def _results(following: Following, count: int) -> AsyncIterator[ExecutionResult]:
    for position in range(1, count + 1):
        following.position = position
        yield ExecutionResult({"n": position}, None)
        await asyncio.sleep(0)


async def _told(shared: SharedResults, after: int) -> list[int]:
    return [position async for position, _ in shared.after(after)]


def _encode(result: ExecutionResult) -> str:
    return str(result.data)


async def test_each_is_told_what_comes_after_its_own_position() -> None:
    shared, following = SharedResults(0), Following()
    told = asyncio.gather(_told(shared, 0), _told(shared, 5), _told(shared, 20))
    await asyncio.sleep(0)
    await shared.run(_results(following, 20), following, _encode)
    assert await told == [list(range(1, 21)), list(range(6, 21)), []]


async def test_who_is_slow_falls_behind_what_is_kept() -> None:
    shared, following = SharedResults(0), Following()
    slow = shared.after(0)
    running = asyncio.create_task(shared.run(_results(following, KEPT + 10), following, _encode))
    assert (await anext(slow))[0] == 1
    await running
    with pytest.raises(FellBehind) as behind:
        await anext(slow)
    assert not behind.value.alone


async def test_when_the_execution_breaks_each_goes_on_alone() -> None:
    async def broken() -> AsyncIterator[ExecutionResult]:
        yield ExecutionResult(None, [])

    shared = SharedResults(0)
    await shared.run(broken(), Following(), _encode)
    with pytest.raises(FellBehind) as behind:
        await anext(shared.after(0))
    assert behind.value.alone


async def test_alike_are_those_who_ask_the_same_wherever_they_begin() -> None:
    tenant = uuid4()

    def alike(role: Role = Role.VIEWER, query: str = QUERY, **variables: object) -> Alike | None:
        principal = Principal(tenant, f"key:{uuid4()}", role)
        return Alike.of(Asked(query, variables), principal)

    one = alike(**{"from": 1, "of": "a"})
    assert one == alike(**{"from": 2, "of": "a"}) == alike(of="a")
    assert one != alike(**{"from": 1, "of": "b"})
    assert one != alike(Role.OWNER, **{"from": 1, "of": "a"})
    assert alike(query="subscription {") is None


async def test_the_longest_silent_makes_room_for_the_newcomer() -> None:
    silent, closed = SilentSockets(most=4, most_of_address=2), list[str]()

    async def add(name: str, address: str) -> None:
        async def close() -> None:
            closed.append(name)

        await silent.add(name, address, close)

    for name in ("a1", "a2", "a3"):
        await add(name, "a")
    assert closed == ["a1"]
    silent.remove("a2")
    for name in ("b1", "b2", "c1", "c2"):
        await add(name, name[0])
    assert closed == ["a1", "a3"]
    assert len(silent) == 4
