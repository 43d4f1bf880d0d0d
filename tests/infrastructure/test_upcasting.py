"""A stream written by an older version of the code reads as if today's had written it."""

from dataclasses import field
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

from domain.aggregate import Aggregate, CreatedEvent
from domain.cause import Cause
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from tests.services.store_examples import in_tenant

WRITTEN = "2025-01-01T00:00:00+00:00"
INSERT = """
INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)
VALUES (%s, %s, %s, %s, %s)
"""


class Oven(Aggregate):
    """An oven whose events and state once were in Fahrenheit and had no door."""

    TOPIC = "test-oven"
    class_version = 2
    celsius: float = field(init=False)
    door: str = field(init=False)

    class Installed(CreatedEvent):
        """Version 1 had no door; version 2 said only whether it was open; 3 says how."""

        TOPIC = "test-oven.installed"
        class_version = 3
        celsius: float
        door: str

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["celsius"] = (state.pop("fahrenheit") - 32) / 1.8
            state["open"] = False

        @staticmethod
        def upcast_v2_v3(state: dict[str, Any]) -> None:
            state["door"] = "ajar" if state.pop("open") else "shut"

        def apply(self, aggregate: "Oven") -> None:
            aggregate.celsius, aggregate.door = self.celsius, self.door

    class Heated(Aggregate.Event):
        TOPIC = "test-oven.heated"
        class_version = 2
        by: UUID
        celsius: float

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["celsius"] = (state.pop("fahrenheit") - 32) / 1.8

        def apply(self, aggregate: "Oven") -> None:
            aggregate.celsius = self.celsius

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["celsius"] = (state.pop("fahrenheit") - 32) / 1.8
        state["door"] = "shut"

    @classmethod
    def install(cls, celsius: float, door: str) -> "Oven":
        return cls._create(cls.Installed, id=uuid4(), request_hash="", celsius=celsius, door=door)

    def heat(self, celsius: float) -> None:
        self.trigger_event(Oven.Heated, by=uuid4(), celsius=celsius)


def _installed(cause: Cause, **state: Any) -> dict[str, Any]:
    topic = {"originator_topic": "test-oven", "request_hash": ""}
    return {"timestamp": WRITTEN, "cause": cause, **topic, **state}


def _write(url: str, cause: Cause, stream: UUID, *rows: tuple[str, dict[str, Any]]) -> None:
    """As the older code wrote them: plain JSON, by hand."""
    with psycopg.connect(url) as owner:
        owner.execute("SET row_security = off")
        for version, (topic, state) in enumerate(rows, 1):
            owner.execute(INSERT, (stream, version, topic, orjson.dumps(state), cause.tenant_id))


def test_a_stream_of_the_first_version_loads(
    event_log: PostgresEventLog, database_url: str
) -> None:
    stream = uuid4()
    with in_tenant(uuid4()) as cause:
        heated = {"timestamp": WRITTEN, "cause": cause, "by": str(stream), "fahrenheit": 392}
        installed = ("test-oven.installed", _installed(cause, fahrenheit=212))
        _write(database_url, cause, stream, installed, ("test-oven.heated", heated))
        oven = event_log.find(Oven, stream)
        events = [recorded.event for recorded in event_log.stream(stream)]
    assert oven is not None
    assert (oven.celsius, oven.door, oven.version) == (200.0, "shut", 2)
    assert isinstance(events[0], Oven.Installed)
    assert events[0].celsius == 100.0
    assert isinstance(events[1], Oven.Heated)
    assert events[1].by == stream


def test_a_version_between_is_brought_the_rest_of_the_way(
    event_log: PostgresEventLog, database_url: str
) -> None:
    stream = uuid4()
    with in_tenant(uuid4()) as cause:
        state = _installed(cause, celsius=100.0, open=True, class_version=2)
        _write(database_url, cause, stream, ("test-oven.installed", state))
        oven = event_log.find(Oven, stream)
    assert oven is not None
    assert oven.door == "ajar"


def test_an_old_stream_goes_on_with_new_events(
    event_log: PostgresEventLog, database_url: str
) -> None:
    stream = uuid4()
    with in_tenant(uuid4()) as cause:
        installed = ("test-oven.installed", _installed(cause, fahrenheit=212))
        _write(database_url, cause, stream, installed)
        oven = event_log.find(Oven, stream)
        assert oven is not None
        oven.heat(250.0)
        event_log.save(oven)
        assert event_log.find(Oven, stream) == oven


def test_what_is_written_today_says_its_version_and_is_not_upcast(
    event_log: PostgresEventLog, database_url: str
) -> None:
    with in_tenant(uuid4()):
        oven = Oven.install(180.0, "ajar")
        event_log.save(oven)
        assert event_log.find(Oven, oven.id) == oven
    with psycopg.connect(database_url) as owner:
        (state,) = owner.execute("SELECT state FROM events").fetchone() or (b"{}",)
    assert orjson.loads(state)["class_version"] == 3


def test_an_old_snapshot_is_brought_forward_too() -> None:
    tenant_id = uuid4()
    kept = {"tenant_id": tenant_id, "request_hash": "", "fahrenheit": 212, "class_version": 1}
    dates = {"_created_on": WRITTEN, "_modified_on": WRITTEN}
    state = {"topic": "test-oven", "state": kept | dates, "timestamp": WRITTEN}
    stored = _snapshot_of_today()
    old = StoredEvent(uuid4(), 60, stored.topic, orjson.dumps(state))
    oven: Any = TypedMapper().to_domain_event(old).mutate(None)
    assert (oven.celsius, oven.door, oven.tenant_id) == (100.0, "shut", tenant_id)
    assert oven.version == 60


def test_an_old_state_that_nobody_can_bring_forward_is_named(
    event_log: PostgresEventLog, database_url: str
) -> None:
    stream = uuid4()
    with in_tenant(uuid4()) as cause:
        _write(database_url, cause, stream, ("test-oven.installed", _installed(cause)))
        with pytest.raises(MapperDeserialisationError, match=rf"{stream}/1 \(test-oven.installed"):
            event_log.find(Oven, stream)


def _snapshot_of_today() -> StoredEvent:
    with in_tenant(uuid4()):
        return TypedMapper().to_stored_event(Oven.Snapshot.take(Oven.install(1.0, "shut")))
