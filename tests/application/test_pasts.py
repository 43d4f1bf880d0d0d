"""The past of a whole tenant: folded in chunks, kept within bounds, and always what it was."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application import pasts as folding
from application.pasts import Pasts, TenantPast
from application.ports.event_log import RecordedEvent
from application.ports.reads import EVERYTHING, Paging, Rows
from application.views.memory_rows import MemoryRows
from application.views.memory_tables import MemoryTables
from application.views.model import ArtifactRow, ModelRow
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.refusal import Refusal
from infrastructure.event_store.memory import MemoryEventLog
from infrastructure.event_store.memory_events import MemoryTypedEvents
from tests.contract.asked_lists import answers
from tests.contract.histories import STEPS, History


class Waiting:
    """`MemoryRows` behind the asynchronous port."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        async def ask(*given: Any) -> Any:
            return getattr(self._rows, name)(*given)

        return ask


class Noting(MemoryTypedEvents):
    """Notes from where events were read, and can be held up."""

    def __init__(self, log: MemoryEventLog, tenant_id: UUID) -> None:
        super().__init__(log, tenant_id)
        self.reads: list[tuple[int, int]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def of_topics(
        self, topics: Collection[str], after: int, until: int, limit: int
    ) -> Sequence[RecordedEvent]:
        self.reads.append((after, until))
        await self.go_on.wait()
        return await super().of_topics(topics, after, until, limit)


def _history(steps: list[tuple[int, int, int]]) -> tuple[History, MemoryEventLog]:
    history = History(log := MemoryEventLog())
    for step in steps:
        history.happen(step)
    return history, log


@settings(max_examples=40, deadline=None)
@given(STEPS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_after_any_history_each_moment_is_shown_as_the_tables_were_then(
    steps: list[tuple[int, int, int]], chance: Any, most_kept: int
) -> None:
    history, log = _history(steps)
    with acting(Cause(history.tenant_id, "test", "test", "test")):
        events = log.after(0, 10_000)

    async def compare() -> None:
        live, then = MemoryTables(*(view for view in VIEWS if not view.live)), []
        for event in events:
            live.fold([event])
            shown: Rows = Waiting(MemoryRows(live))
            then.append((event.position, await answers(shown)))
        chance.shuffle(then)
        pasts, reads = Pasts(most_kept=most_kept), MemoryTypedEvents(log, history.tenant_id)
        for position, answered in then:
            past = TenantPast(pasts, reads, history.tenant_id, position)
            assert await answers(past) == answered

    asyncio.run(compare())


async def test_a_later_past_goes_on_from_an_earlier_one_which_stays_as_it_was() -> None:
    history, log = _history([(0, 1, 0), (0, 2, 0), (0, 3, 0)])
    noting, pasts = Noting(log, history.tenant_id), Pasts()
    early, late = history.positions[1], history.positions[-1]
    before = TenantPast(pasts, noting, history.tenant_id, early)
    assert await before.count(ModelRow, EVERYTHING) == 1
    assert await TenantPast(pasts, noting, history.tenant_id, late).count(ModelRow, EVERYTHING) == 3
    assert noting.reads == [(0, early), (early, late)]
    assert await before.count(ModelRow, EVERYTHING) == 1
    assert len(noting.reads) == 2


async def test_a_repeat_reads_nothing_and_another_tenant_has_a_past_of_its_own() -> None:
    history, log = _history([(0, 1, 0)])
    other = History(log)
    until, pasts = other.positions[-1], Pasts()
    noting = Noting(log, history.tenant_id)
    for _ in range(3):
        past = TenantPast(pasts, noting, history.tenant_id, until)
        assert await past.count(ModelRow, EVERYTHING) == 1
    assert len(noting.reads) == 1
    theirs = TenantPast(pasts, Noting(log, other.tenant_id), other.tenant_id, until)
    assert await theirs.count(ModelRow, EVERYTHING) == 0


async def test_those_who_ask_for_the_same_at_once_have_it_folded_once() -> None:
    history, log = _history([(0, 1, 0)])
    noting, pasts = Noting(log, history.tenant_id), Pasts()
    past = TenantPast(pasts, noting, history.tenant_id, history.positions[-1])
    counts = await asyncio.gather(*(past.count(ModelRow, EVERYTHING) for _ in range(10)))
    assert (counts, len(noting.reads)) == ([1] * 10, 1)


async def test_no_more_than_two_fold_at_once_and_a_crowd_is_sent_away() -> None:
    log = MemoryEventLog()
    histories = [History(log) for _ in range(folding.MOST_WAITING)]
    notings = [Noting(log, history.tenant_id) for history in histories]
    pasts, until = Pasts(), histories[-1].positions[-1]
    for noting in notings:
        noting.go_on.clear()
    asking = [
        asyncio.ensure_future(
            TenantPast(pasts, noting, history.tenant_id, until).count(ModelRow, EVERYTHING)
        )
        for history, noting in zip(histories, notings, strict=True)
    ]
    await asyncio.sleep(0)
    assert sum(len(noting.reads) for noting in notings) == folding.FOLDS_AT_ONCE
    late = History(log)
    past = TenantPast(pasts, Noting(log, late.tenant_id), late.tenant_id, late.positions[-1])
    with pytest.raises(Refusal) as refused:
        await past.count(ModelRow, EVERYTHING)
    assert refused.value.code == "UNAVAILABLE"
    for noting in notings:
        noting.go_on.set()
    assert await asyncio.gather(*asking) == [0] * len(histories)


async def test_a_fold_that_is_broken_off_leaves_nothing_half_done() -> None:
    history, log = _history([(0, 1, 0)])
    noting, pasts = Noting(log, history.tenant_id), Pasts()
    noting.go_on.clear()
    past = TenantPast(pasts, noting, history.tenant_id, history.positions[-1])
    broken_off = asyncio.ensure_future(past.count(ModelRow, EVERYTHING))
    await asyncio.sleep(0)
    broken_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await broken_off
    noting.go_on.set()
    assert await past.count(ModelRow, EVERYTHING) == 1


async def test_what_is_kept_stays_within_its_bound_and_what_is_too_large_is_refused() -> None:
    history, log = _history([(0, 1, 0), *[(1, 0, 0)] * 20])
    noting, pasts = Noting(log, history.tenant_id), Pasts(most_bytes=20_000)
    for until in history.positions[:6]:
        past = TenantPast(pasts, noting, history.tenant_id, until)
        await past.page(ModelRow, EVERYTHING, Paging(1))
    assert pasts.weight <= 20_000
    past = TenantPast(pasts, noting, history.tenant_id, history.positions[-1])
    with pytest.raises(Refusal) as refused:
        await past.page(ArtifactRow, EVERYTHING, Paging(1))
    assert (refused.value.code, refused.value.field) == ("TOO_LARGE", "asOf")
