"""Devices are read alike from PostgreSQL's tables and from the log, at every moment of any life."""

import random
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from application.pasts import Pasts, TenantPast
from application.ports.event_log import RecordedEvent
from application.ports.reads import EVERYTHING, Page, Paging, Rows, Where
from application.views.device import DeviceRow
from application.views.device_certificate import DeviceCertificateRow
from application.views.device_claim import DeviceClaimRow
from application.views.device_command import DeviceCommandRow
from application.views.device_group import DeviceGroupRow
from application.views.device_where import device_where
from application.views.registry import VIEWS
from application.why.chain import Subject, Tie
from application.why.walk import why
from domain.cause import Cause, acting
from domain.device_query import DeviceQuery
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database
from infrastructure.postgres.reads import PostgresReads
from tests.contract.device_histories import NOON, DeviceHistory

LATER = NOON + timedelta(days=2)
UNUSED = (("withdrawn", False), ("device_id", None))
QUESTIONS: tuple[tuple[type[Any], Where], ...] = (
    (DeviceRow, EVERYTHING),
    (DeviceRow, device_where(DeviceQuery())),
    (DeviceRow, device_where(DeviceQuery({"site": "berlin"}))),
    (DeviceRow, device_where(DeviceQuery({"site": "paris", "floor": "1"}))),
    (DeviceRow, device_where(DeviceQuery({"site": "berl"}))),
    (DeviceRow, device_where(DeviceQuery(online=True, text="D"))),
    (DeviceRow, device_where(DeviceQuery(online=False, group="hall"))),
    (DeviceRow, device_where(DeviceQuery(), decommissioned=None)),
    (DeviceRow, Where(filled=("certificate_serial",))),
    (DeviceClaimRow, EVERYTHING),
    (DeviceClaimRow, Where(UNUSED, after=(("expires_at", LATER),))),
    (DeviceClaimRow, Where(UNUSED, not_after=(("expires_at", LATER),))),
    (DeviceClaimRow, Where(filled=("device_id",))),
    (DeviceCommandRow, Where((("status", "SENT"),))),
    (DeviceGroupRow, EVERYTHING),
)


@pytest.fixture
async def reading(database: Database) -> AsyncIterator[Database]:
    await database.open_reads()
    yield database
    await database.close_reads()


async def _answers(rows: Rows) -> list[Any]:
    told: list[Any] = []
    for row_class, where in QUESTIONS:
        told.append(await rows.count(row_class, where))
        pagings = (Paging(100), Paging(1), Paging(2, backward=True))
        told += [_plain(await rows.page(row_class, where, paging)) for paging in pagings]
    devices = [row.id for row in (await rows.page(DeviceRow, EVERYTHING, Paging(100))).rows]
    for of_each in (DeviceCommandRow, DeviceCertificateRow):
        pages = await rows.pages(of_each, "device_id", devices, EVERYTHING, Paging(2))
        told.append({key: _plain(page) for key, page in pages.items()})
    return told


def _plain(page: Page[Any]) -> Any:
    return [asdict(row) for row in page.rows], page.has_next, page.has_previous


def _lived(database: Database, seed: int, acts: int) -> tuple[DeviceHistory, PostgresEventLog]:
    chance = random.Random(seed)
    history = DeviceHistory(log := PostgresEventLog(database))
    for _ in range(acts):
        history.happen((chance.randrange(13), chance.randrange(4), chance.randrange(5)))
    return history, log


def _events(log: PostgresEventLog, history: DeviceHistory) -> list[RecordedEvent]:
    with acting(Cause(history.tenant_id, "test", "test", "test")):
        return list(log.after(0, 10_000))


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
async def test_each_moment_of_any_life_is_shown_as_the_tables_were_then(
    reading: Database, seed: int
) -> None:
    history, log = _lived(reading, seed, 60)
    live, then = PostgresReads(reading).within(history.tenant_id), []
    events = _events(log, history)
    assert len({event.event.TOPIC for event in events}) > 12
    for event in events:
        for view in VIEWS:
            if not view.live:
                with reading.system() as connection:
                    Projection(view).handle(connection, [event])
        then.append((event.position, await _answers(live)))
    random.Random(seed).shuffle(then)
    pasts = Pasts(most_kept=5)
    for position, answered in then:
        past = TenantPast(pasts, live, history.tenant_id, position)
        assert await _answers(past) == answered, position


@pytest.mark.parametrize("seed", [4, pytest.param(5, marks=pytest.mark.slow)])
async def test_why_a_device_is_as_it_is_is_told_of_any_life_without_a_loose_end(
    reading: Database, seed: int
) -> None:
    history, _ = _lived(reading, seed, 80)
    reads = PostgresReads(reading).within(history.tenant_id)
    began = {"device.registered": "Device", "device-claim.issued": "DeviceClaim"}
    began["device-group.defined"] = "DeviceGroup"
    last = history.positions[-1]
    kinds = set()
    for row in await reads.story(0, 10_000, None):
        if row.topic not in began:
            continue
        chain = await why(reads, Subject(began[row.topic], row.stream_id, row.stream_id), last)
        assert chain is not None
        kinds.add(chain.subject.kind)
        leading = {because.reference for link in chain.links for because in link.because}
        for link in chain.links:
            assert link.explains or link.reference in leading, link
            assert "caused device" not in link.summary
            for because in link.because:
                assert because.position is None or because.position < link.position
        ends = [link for link in chain.links if not any(one.position for one in link.because)]
        assert all(link.because[-1].tie is Tie.REQUEST for link in ends), ends
    assert kinds == set(began.values())
