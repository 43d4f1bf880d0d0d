"""Workers announce what they offer, are seen as silent, are forgotten, and get what they can do."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from application.jobs.capability import missing
from application.jobs.registry import needs_of
from application.ports.workers import FORGOTTEN_AFTER, SILENT_AFTER, Announcement
from infrastructure.announcing import Announcing
from infrastructure.engine.abilities import abilities, facts
from infrastructure.postgres.database import Database
from infrastructure.postgres.outbox import Relay
from infrastructure.postgres.reads import PostgresReads
from infrastructure.postgres.workers import PostgresWorkers

KIND = frozenset({"kind:optimize"})


@pytest.fixture
async def reads(database: Database) -> AsyncIterator[PostgresReads]:
    await database.open_reads()
    yield PostgresReads(database)
    await database.close_reads()


def unseen_for(database: Database, id: str, time: timedelta) -> None:
    with database.system() as connection:
        connection.execute("UPDATE workers SET seen_at = now() - %s WHERE id = %s", (time, id))


async def test_a_worker_tells_what_it_offers_and_what_it_is(
    database: Database, reads: PostgresReads
) -> None:
    announcing = Announcing(PostgresWorkers(database), "w1", lambda: KIND | abilities(), facts)
    assert announcing.step(), "the facts are not known at the first word"
    assert not announcing.step()
    (worker,) = await reads.workers()
    assert {"kind:optimize", "format:onnx", "pass:onnx-static-int8"} <= set(worker.capabilities)
    assert worker.facts["cores"] >= 1
    assert worker.facts["isolation"] in ("bubblewrap", "uid+netns", "limits")
    assert not worker.silent


async def test_a_silent_worker_is_shown_as_such_offers_nothing_and_is_forgotten(
    database: Database, reads: PostgresReads
) -> None:
    workers = PostgresWorkers(database)
    for id in ("gone", "here"):
        workers.announce(Announcement(id, "host", tuple(KIND), {}))
    unseen_for(database, "gone", SILENT_AFTER * 2)
    assert {row.id: row.silent for row in await reads.workers()} == {"gone": True, "here": False}
    assert await reads.within(uuid4()).offers() == [KIND] == workers.offers()
    unseen_for(database, "gone", FORGOTTEN_AFTER * 2)
    workers.announce(Announcement("here", "host", tuple(KIND), {}))
    assert [row.id for row in await reads.workers()] == ["here"]


async def test_a_worker_that_stops_in_good_order_is_gone_at_once(
    database: Database, reads: PostgresReads
) -> None:
    workers = PostgresWorkers(database)
    workers.announce(Announcement("w", "host", tuple(KIND), {}))
    workers.withdraw("w")
    assert await reads.workers() == []


def waiting(database: Database, needs: list[str] | None) -> str:
    """A row as the view writes it; None is one that earlier code wrote."""
    job_id = str(uuid4())
    payload: dict[str, Any] = {"job_id": job_id, "job_kind": "optimize", "correlation_id": "c"}
    with database.system() as connection:
        connection.execute(
            "INSERT INTO outbox (kind, dedupe_key, tenant_id, payload) VALUES ('job', %s, %s, %s)",
            (job_id, UUID(int=1), Jsonb(payload if needs is None else payload | {"needs": needs})),
        )
    return job_id


def test_a_relay_gives_only_what_its_own_worker_can_take(database: Database) -> None:
    old, plain = waiting(database, None), waiting(database, ["kind:optimize"])
    special = waiting(database, ["kind:optimize", "hardware:nvidia"])
    given: list[str] = []

    def relay(*offers: str) -> Relay:
        words = frozenset(offers)
        return Relay(
            database, "job", lambda _, payload: given.append(payload["job_id"]), lambda: words
        )

    relay("kind:benchmark").step()
    assert given == []
    relay("kind:optimize").step()
    assert set(given) == {old, plain}
    relay("kind:optimize", "hardware:nvidia").step()
    assert set(given) == {old, plain, special}


def test_what_is_missing_is_what_the_closest_worker_lacks() -> None:
    offers = [{"kind:benchmark"}, {"kind:optimize", "format:onnx"}]
    needed = {"kind:optimize", "format:onnx", "pass:onnx-fp16"}
    assert missing(needed, offers) == ["pass:onnx-fp16"]
    assert missing({"kind:optimize"}, offers) == []
    assert missing({"kind:optimize"}, []) == ["kind:optimize"]


def test_a_job_needs_its_kind_the_formats_it_reads_and_its_passes() -> None:
    job_input = {"artifact": {"format": "ONNX"}, "spec": {"passes": ["FP16", "STATIC_INT8"]}}
    wanted = {"kind:optimize", "format:onnx", "pass:onnx-fp16", "pass:onnx-static-int8"}
    assert needs_of("optimize", job_input) == wanted
    assert needs_of("benchmark", {"artifacts": [{"format": "TFLITE"}]}) == {
        "kind:benchmark",
        "format:tflite",
    }


def test_of_a_job_that_this_code_cannot_read_the_kind_is_known() -> None:
    assert needs_of("train", {}) == {"kind:train"}
    assert needs_of("optimize", {}) == {"kind:optimize"}


def test_all_passes_of_the_registry_are_offered_here() -> None:
    spec = {"passes": ["GRAPH", "FP16", "DYNAMIC_INT8", "STATIC_INT8"]}
    needed = needs_of("optimize", {"artifact": {"format": "ONNX"}, "spec": spec})
    assert needed <= KIND | abilities()
