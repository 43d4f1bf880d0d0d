"""What earlier releases stored, today's code reads: every event of every release that is recorded
in `stored/`, as its own processes wrote it (tests/upgrade/record_events.py).
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import resolve_topic

from application.ports.event_log import RecordedEvent
from application.views.memory_tables import MemoryTables
from application.views.registry import VIEWS
from domain.aggregate import Aggregate, Event
from infrastructure.event_store.mapper import TypedMapper
from tests.architecture.test_topics import FROZEN
from tests.upgrade.previous import commit

RELEASES = sorted(Path(__file__).with_name("stored").glob("*.jsonl"))
MAPPER = TypedMapper()


def rows(release: Path) -> Iterator[dict[str, Any]]:
    for line in release.read_text().splitlines():
        row: dict[str, Any] = json.loads(line)
        yield row


def read(row: dict[str, Any]) -> RecordedEvent:
    stored = StoredEvent(
        originator_id=UUID(row["originator_id"]),
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=row["state"].encode(),
    )
    event = MAPPER.to_domain_event(stored)
    assert isinstance(event, Event)
    at, tenant = datetime.fromisoformat(row["recorded_at"]), UUID(row["tenant_id"])
    return RecordedEvent(row["position"], at, tenant, event)


@pytest.fixture(params=RELEASES, ids=lambda release: release.stem)
def release(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_the_previous_release_is_recorded() -> None:
    assert commit() in [release.stem for release in RELEASES]


def test_every_event_of_a_release_is_read_and_none_of_its_topics_was_forgotten(
    release: Path,
) -> None:
    topics = {row["topic"] for row in rows(release)}
    assert topics <= set(FROZEN)
    if release.stem == "cf1c594":
        assert len(topics) == 38, "that release had so many"
    for row in rows(release):
        assert row["topic"] == read(row).event.TOPIC


def test_what_was_not_brought_forward_is_written_again_as_it_was(release: Path) -> None:
    for row in rows(release):
        stored, event = orjson.loads(row["state"]), read(row).event
        version = getattr(type(event), "class_version", 1)
        if stored.get("class_version", 1) == version:
            again = orjson.loads(MAPPER.to_stored_event(event).state)
            assert _as_stored(again, stored) == stored, row["topic"]


def _as_stored(again: Any, stored: Any) -> Any:
    """Without the fields that came later, at any depth."""
    if isinstance(stored, dict) and isinstance(again, dict):
        return {name: _as_stored(again.get(name), value) for name, value in stored.items()}
    if isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        return [_as_stored(*pair) for pair in zip(again, stored, strict=True)]
    return again


def test_every_stream_leads_to_an_aggregate(release: Path) -> None:
    aggregates: dict[UUID, Any] = {}
    for row in rows(release):
        stream = UUID(row["originator_id"])
        aggregates[stream] = read(row).event.mutate(aggregates.get(stream))
    assert len(aggregates) > 10
    for aggregate in aggregates.values():
        assert isinstance(aggregate, Aggregate)


def test_every_view_folds_the_whole_log(release: Path) -> None:
    tables = MemoryTables(*(view for view in VIEWS if not view.live))
    tables.fold(read(row) for row in rows(release))
    models = {(model["name"], model["status"]) for model in tables.newest_first("models")}
    assert models == {("digits", "DELETED"), ("digits", "ACTIVE")}
    kinds = {(job["kind"], job["status"]) for job in tables.newest_first("jobs")}
    assert {("optimize", "SUCCEEDED"), ("benchmark", "CANCELLED"), ("benchmark", "FAILED")} <= kinds
    for view in VIEWS:
        if view.live:
            for row in rows(release):
                list(view.changes(read(row)))


def test_topics_are_still_resolved_to_events(release: Path) -> None:
    for topic in {row["topic"] for row in rows(release)}:
        assert issubclass(resolve_topic(topic), Event)
