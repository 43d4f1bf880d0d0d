"""Rows are read alike from PostgreSQL and from memory: same filters, order, pages and counts."""

import random
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from application.pasts import Pasts, TenantPast
from application.ports.event_log import EventLog, RecordedEvent
from application.ports.reads import EVERYTHING, Page, Paging, Rows, Where
from application.views.model import ArtifactRow, ModelRow
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from infrastructure.event_store.memory import MemoryEventLog
from infrastructure.event_store.memory_events import MemoryTypedEvents
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database
from infrastructure.postgres.reads import PostgresReads
from tests.contract.asked_lists import answers
from tests.contract.histories import History

MADE_READERS = Callable[[MemoryEventLog, UUID], Rows]
FIVE_MODELS = [(0, place, 0) for place in range(5)]
THREE_ARTIFACTS = [(1, 0, 0), (2, 0, 0), (2, 0, 5), (1, 1, 0)]
ONE_DELETED_ONE_ARCHIVED = [(5, 2, 0), (4, 3, 0)]


@pytest.fixture
async def reading(database: Database) -> AsyncIterator[Database]:
    await database.open_reads()
    yield database
    await database.close_reads()


@pytest.fixture(params=["postgres", "memory"])
def rows_of(request: pytest.FixtureRequest, reading: Database) -> MADE_READERS:
    """Makes the rows of what happened in a log."""

    def of(log: MemoryEventLog, tenant_id: UUID) -> Rows:
        if request.param == "memory":
            return _past(MemoryTypedEvents(log, tenant_id), tenant_id, 10_000)
        _project(reading, _after(log, tenant_id, 0))
        return PostgresReads(reading).within(tenant_id)

    return of


def _past(events: MemoryTypedEvents, tenant_id: UUID, until: int) -> Rows:
    return TenantPast(Pasts(), events, tenant_id, until)


def _after(log: EventLog, tenant_id: UUID, position: int) -> list[RecordedEvent]:
    with acting(Cause(tenant_id, "test", "test", "test")):
        return list(log.after(position, 10_000))


def _project(database: Database, events: list[RecordedEvent]) -> None:
    for view in VIEWS:
        if not view.live:
            with database.system() as connection:
                Projection(view).handle(connection, events)


@pytest.fixture
def listed(rows_of: MADE_READERS) -> Rows:
    """Models m0 to m4, oldest first: m2 is deleted, m3 archived, and m0 has three artifacts."""
    history = History(log := MemoryEventLog())
    for step in (*FIVE_MODELS, *THREE_ARTIFACTS, *ONE_DELETED_ONE_ARCHIVED):
        history.happen(step)
    return rows_of(log, history.tenant_id)


def _names(page: Page[ModelRow]) -> list[str]:
    return [row.name for row in page.rows]


async def test_the_newest_come_first_and_what_is_deleted_not_at_all(listed: Rows) -> None:
    page = await listed.page(ModelRow, EVERYTHING, Paging(10))
    assert _names(page) == ["m4", "m3", "m1", "m0"]
    assert not page.has_next
    assert not page.has_previous
    assert await listed.count(ModelRow, EVERYTHING) == 4


async def test_pages_go_on_from_a_cursor_in_both_directions(listed: Rows) -> None:
    first = await listed.page(ModelRow, EVERYTHING, Paging(3))
    assert (_names(first), first.has_next) == (["m4", "m3", "m1"], True)
    rest = await listed.page(ModelRow, EVERYTHING, Paging(3, after=first.rows[-1].position))
    assert (_names(rest), rest.has_next, rest.has_previous) == (["m0"], False, True)
    last = await listed.page(ModelRow, EVERYTHING, Paging(2, backward=True))
    assert (_names(last), last.has_previous) == (["m1", "m0"], True)
    before = Paging(1, backward=True, before=last.rows[0].position)
    assert _names(await listed.page(ModelRow, EVERYTHING, before)) == ["m3"]


async def test_filters_are_equal_values_and_contained_texts_of_any_case(listed: Rows) -> None:
    archived = Where((("status", "ARCHIVED"),))
    assert _names(await listed.page(ModelRow, archived, Paging(10))) == ["m3"]
    assert await listed.count(ModelRow, archived) == 1
    named = Where((), (("name", "M1"),))
    assert _names(await listed.page(ModelRow, named, Paging(10))) == ["m1"]
    assert _names(await listed.page(ModelRow, Where((), (("name", "%"),)), Paging(10))) == []


async def test_each_parent_gets_the_same_page_of_its_own(listed: Rows) -> None:
    found = await listed.find(ModelRow, "name", ["m0", "m1", "m4"])
    m0, m1, m4 = (row.id for row in sorted(found, key=lambda row: row.name))
    pages = await listed.pages(ArtifactRow, "model_id", [m0, m1, m4], EVERYTHING, Paging(2))
    assert {key: (len(page.rows), page.has_next) for key, page in pages.items()} == {
        m0: (2, True), m1: (1, False), m4: (0, False)
    }  # fmt: skip
    passed = Where((("passed", True),))
    of_m0 = (await listed.pages(ArtifactRow, "model_id", [m0], passed, Paging(5)))[m0]
    assert [row.variant for row in of_m0.rows] == ["fp16", "source"]


async def test_each_parents_rows_are_counted_by_a_column_without_what_is_deleted(
    listed: Rows,
) -> None:
    found = await listed.find(ModelRow, "name", ["m0", "m1", "m4"])
    m0, m1, m4 = (row.id for row in sorted(found, key=lambda row: row.name))
    counts = await listed.counts(ArtifactRow, "model_id", [m0, m1, m4], "variant")
    assert counts == {m0: {"source": 1, "fp16": 2}, m1: {"source": 1}, m4: {}}
    assert await listed.counts(ArtifactRow, "model_id", [], "variant") == {}
    tenant = found[0].tenant_id
    assert await listed.counts(ModelRow, "tenant_id", [tenant], "status") == {
        tenant: {"ACTIVE": 3, "ARCHIVED": 1}
    }


async def test_json_is_read_as_json_and_no_character_stops_a_table(listed: Rows) -> None:
    row = (await listed.page(ArtifactRow, EVERYTHING, Paging(1))).rows[0]
    assert row.files == [{"path": "model.onnx", "sha256": "ab" * 32, "bytes": 1_000}]
    assert row.proof == {"a\ufffd": 0.25}
    assert row.signature is not None
    assert row.signature["inputs"][0]["name"] == "x\ufffdy"


async def test_what_nobody_has_is_found_nowhere(listed: Rows) -> None:
    assert await listed.find(ModelRow, "id", [uuid4()]) == []
    assert await listed.find(ModelRow, "id", []) == []
    assert await listed.pages(ArtifactRow, "model_id", [], EVERYTHING, Paging(2)) == {}


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
async def test_after_any_history_each_moment_is_shown_as_the_tables_were_then(
    reading: Database, seed: int
) -> None:
    """What PostgreSQL's tables answered after each event, its log answers for that position."""
    chance = random.Random(seed)
    history, reads = History(log := PostgresEventLog(reading)), PostgresReads(reading)
    for _ in range(60):
        history.happen((chance.randrange(18), chance.randrange(6), chance.randrange(6)))
    live = reads.within(history.tenant_id)
    events = _after(log, history.tenant_id, 0)
    assert len(events) > 30
    then = []
    for event in events:
        _project(reading, [event])
        then.append((event.position, await answers(live)))
    chance.shuffle(then)
    pasts = Pasts(most_kept=5)
    for position, answered in then:
        past = TenantPast(pasts, live, history.tenant_id, position)
        assert await answers(past) == answered, position
