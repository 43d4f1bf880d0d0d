"""What buckets promise, in memory and in Redis alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from application.ports.buckets import Buckets, Filling, seconds_until
from infrastructure.buckets import redis as redis_buckets
from infrastructure.buckets.memory import MemoryBuckets
from infrastructure.buckets.redis import RedisBuckets
from tests.patience import PATIENCE
from tests.services.redis import OwnRedis

SLOW = Filling(100_000, 1)
"""What comes back while a test runs is little of it."""


@pytest.fixture(params=["memory", "redis"])
async def buckets(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Buckets]:
    if request.param == "memory":
        yield MemoryBuckets()
        return
    monkeypatch.setattr(redis_buckets, "PATIENCE", PATIENCE)
    shared = RedisBuckets(request.getfixturevalue("redis_url"), instead=_Nothing())
    yield shared
    await shared.close()


class _Nothing:
    async def take(self, key: str, amount: int, filling: Filling) -> None:
        raise AssertionError("Redis was there and was not asked")


def key() -> str:
    return str(uuid4())


async def test_a_bucket_begins_full_and_is_emptied(buckets: Buckets) -> None:
    own = key()
    first = await buckets.take(own, 60_000, SLOW)
    assert (first.granted, round(first.remaining)) == (True, 40_000)
    second = await buckets.take(own, 60_000, SLOW)
    assert not second.granted
    assert 40_000 <= second.remaining < 60_000  # nothing was taken, and some came back


async def test_a_bucket_is_refilled_up_to_its_size(buckets: Buckets) -> None:
    own, fast = key(), Filling(100, 1000)
    assert (await buckets.take(own, 100, fast)).granted
    await asyncio.sleep(0.2)
    assert (await buckets.take(own, 0, fast)).remaining == 100


async def test_one_bucket_is_no_other(buckets: Buckets) -> None:
    assert (await buckets.take(key(), SLOW.size, SLOW)).granted
    assert (await buckets.take(key(), SLOW.size, SLOW)).granted


async def test_a_smaller_plan_applies_at_once(buckets: Buckets) -> None:
    own = key()
    await buckets.take(own, 10_000, SLOW)
    assert (await buckets.take(own, 0, Filling(50, 1))).remaining == 50


async def test_of_many_at_once_only_as_many_succeed_as_there_is(buckets: Buckets) -> None:
    own, slow = key(), Filling(10_000, 1)
    taken = await asyncio.gather(*(buckets.take(own, 1_000, slow) for _ in range(20)))
    assert sum(one.granted for one in taken) == 10


async def test_more_than_the_bucket_holds_is_never_granted(buckets: Buckets) -> None:
    assert not (await buckets.take(key(), SLOW.size + 1, SLOW)).granted


def test_how_long_to_wait_is_told_in_whole_seconds() -> None:
    assert seconds_until(50, 40.5, Filling(100, 5)) == 2
    assert seconds_until(50, 60, Filling(100, 5)) == 0


async def test_the_bucket_that_was_idle_longest_is_forgotten_first() -> None:
    few = MemoryBuckets(most=2)
    for name in ("a", "b", "c"):
        await few.take(name, SLOW.size, SLOW)
    assert not (await few.take("c", SLOW.size, SLOW)).granted
    assert (await few.take("a", SLOW.size, SLOW)).granted


async def test_two_processes_share_one_bucket_in_redis(redis_url: str) -> None:
    one, other, own = RedisBuckets(redis_url), RedisBuckets(redis_url), key()
    assert (await one.take(own, SLOW.size, SLOW)).granted
    assert not (await other.take(own, SLOW.size, SLOW)).granted
    await one.close()
    await other.close()


async def test_without_redis_each_process_limits_by_itself_and_says_so_once(
    own_redis: Callable[[], OwnRedis],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(redis_buckets, "TRY_AGAIN", 0.0)
    server, own = own_redis(), key()
    buckets = RedisBuckets(server.url)
    assert (await buckets.take(own, SLOW.size, SLOW)).granted
    server.kill()
    for _ in range(3):
        assert (await buckets.take(own, 10_000, SLOW)).granted
    assert not (await buckets.take(own, SLOW.size, SLOW)).granted
    server.start()
    assert not (await buckets.take(own, 50_000, SLOW)).granted  # as Redis had it
    told = capfd.readouterr()
    assert (told.out + told.err).count("Redis is away") == 1
    await buckets.close()
