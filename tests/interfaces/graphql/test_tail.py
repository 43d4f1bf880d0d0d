"""Followers of one tenant share one reading of its log; whoever is far behind reads by itself."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from application.ports.reads import EventRow, TenantReads
from domain.cause import Cause, acting
from domain.model import Model
from interfaces.graphql.node import parsed_any_id
from interfaces.graphql.tail import KEPT, Tail, Tails
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World
from tests.patience import PATIENCE, eventually

EVENTS = "subscription ($after: BigInt) { eventsAppended(after: $after) { position } }"


@dataclass
class CountedReads:
    """The way into a tenant's rows, counting the pages of events that are read."""

    reads: Any
    pages: list[int] = field(default_factory=list)

    def within(self, tenant_id: UUID) -> TenantReads:
        counted: Any = CountedReads(self.reads.within(tenant_id), self.pages)
        return counted  # type: ignore[no-any-return]

    async def story(self, after: int, limit: int, stream: UUID | None) -> list[EventRow]:
        self.pages.append(after)
        found: list[EventRow] = await self.reads.story(after, limit, stream)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reads, name)


@pytest.fixture(autouse=True)
def only_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tail looks by itself, however long a test takes."""
    monkeypatch.setattr("interfaces.graphql.tail.LOOK_AGAIN", 3600.0)


async def test_fifty_followers_read_the_log_no_more_often_than_one(world: World) -> None:
    reads: Any = CountedReads(world.context.reads)
    ours = _with_reads(world, reads)
    results = [ours.subscribe(EVENTS) for _ in range(50)]
    following = [asyncio.ensure_future(anext(one)) for one in results]
    await ours.followed(50)
    await asyncio.to_thread(eventually, lambda: reads.pages)  # the first look
    reads.pages.clear()
    await ours.register("digits")
    told = [(await one).data for one in following]
    assert len({str(data) for data in told}) == 1
    assert len(reads.pages) < 10
    for one in results:
        await one.aclose()  # type: ignore[attr-defined]


async def test_an_event_of_another_tenant_wakes_nobody(world: World) -> None:
    reads: Any = CountedReads(world.context.reads)
    async with Tails(reads, world.context.listener).of(world.ours.tenant_id) as tail:
        await asyncio.to_thread(eventually, lambda: reads.pages)  # the first look
        reads.pages.clear()
        tail._heard(f"{world.theirs.tenant_id} {tail.end + 100}")
        tail._heard(f"{world.ours.tenant_id} {tail.end}")
        await asyncio.sleep(0.3)
        assert reads.pages == []
        for count, word in enumerate((None, "", f"{world.ours.tenant_id} {tail.end + 1}"), 1):
            tail._heard(word)
            await asyncio.to_thread(eventually, lambda count=count: len(reads.pages) >= count)
        assert len(reads.pages) == 3


async def test_who_is_further_behind_than_what_is_kept_is_told_so(world: World) -> None:
    model = parsed_any_id((await world.ours.register("busy"))["model"]["id"], "id")[1]
    async with world.context.tails.of(world.ours.tenant_id) as tail:
        began = tail.end
        assert tail.after(began - 1) is None
        last = await asyncio.to_thread(_change, world, model, KEPT + 200)
        async with asyncio.timeout(PATIENCE):
            await tail.beyond(last - 1)
        assert tail.after(began) is None
        assert [row.position for row in tail.after(last - 3) or ()] == [last - 2, last - 1, last]
        assert _kept(tail) == KEPT


async def test_a_tail_that_nobody_follows_is_let_go(world: World) -> None:
    tails = world.context.tails
    async with tails.of(world.ours.tenant_id) as one, tails.of(world.ours.tenant_id) as other:
        assert one is other
    async with tails.of(world.ours.tenant_id) as another:
        assert another is not one


def _with_reads(world: World, reads: Any) -> Client:
    context = replace(world.ours.context, reads=reads, tails=Tails(reads, world.context.listener))
    return Client(world.ours.schema, context)


def _change(world: World, model_id: UUID, events: int) -> int:
    log, tenant_id = world.context.platform.log, world.ours.tenant_id
    with acting(Cause(tenant_id, "test", "test", "test")):
        model = log.find(Model, model_id)
        assert model is not None
        for _ in range(events // 2):
            model.archive()
            model.restore()
        return log.save(model)


def _kept(tail: Tail) -> int:
    return len(tail.after(tail.start) or ())
