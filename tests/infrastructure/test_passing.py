"""Followers that an event does not concern are moved past it; those that it concerns handle it."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.event_log import RecordedEvent
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.follower import FOLLOWED_CHANNEL, Follower
from infrastructure.following.passing import Passing
from infrastructure.postgres.database import Database
from infrastructure.postgres.listener import PostgresListener
from tests.patience import eventually
from tests.services.store_examples import in_tenant, new_model

LONG = 3_600.0
"""Seconds: nobody looks again by itself."""


class Noting:
    """Notes the positions that it is given."""

    at_once = 500

    def __init__(self, name: str, *topics: str) -> None:
        self.name, self.topics = name, topics
        self.given: list[int] = []

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        self.given += [event.position for event in events]


class Hall:
    """Two followers of one database, of which one cares for models, and who passes news to them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.models = Noting("models only", "model.registered")
        self.jobs = Noting("jobs only", "job.submitted")
        self.followers = [
            Follower(database, handling, TypedMapper(), LONG)
            for handling in (self.models, self.jobs)
        ]
        self.passing = Passing(database, self.followers, LONG)

    def positions(self) -> dict[str, int]:
        with self.database.system() as connection:
            rows = connection.execute("SELECT name, position FROM followers").fetchall()
        return {row["name"]: row["position"] for row in rows}


@pytest.fixture
def hall(database: Database) -> Hall:
    made = Hall(database)
    for follower in made.followers:
        follower.step()  # makes its row
    return made


@pytest.fixture
def running(hall: Hall) -> Iterator[Hall]:
    for looping in (*hall.followers, hall.passing):
        looping.start()
    yield hall
    for looping in (*hall.followers, hall.passing):
        looping.close()


def _event(event_log: PostgresEventLog) -> int:
    with in_tenant(uuid4()):
        return event_log.save(new_model())


def test_who_has_nothing_to_do_with_an_event_is_moved_past_it_and_does_nothing(
    hall: Hall, event_log: PostgresEventLog
) -> None:
    position = _event(event_log)
    hall.passing.step()
    assert hall.positions() == {"jobs only": position, "models only": 0}
    assert hall.jobs.given == []


def test_whom_it_concerns_is_woken_and_handles_it(
    running: Hall, event_log: PostgresEventLog
) -> None:
    position = _event(event_log)
    running.passing.wake()
    eventually(lambda: running.positions()["models only"] == position)
    assert running.models.given == [position]


def test_who_is_not_enrolled_yet_is_woken(database: Database, event_log: PostgresEventLog) -> None:
    hall = Hall(database)
    position = _event(event_log)
    for looping in (*hall.followers, hall.passing):
        looping.start()
    try:
        eventually(lambda: hall.passing.wake() or len(hall.positions()) == 2)
        eventually(lambda: hall.passing.wake() or hall.models.given == [position])
    finally:
        for looping in (*hall.followers, hall.passing):
            looping.close()


def test_who_is_at_work_is_not_moved(hall: Hall, event_log: PostgresEventLog) -> None:
    with hall.database.system() as connection:
        connection.execute("SELECT 1 FROM followers WHERE name = 'jobs only' FOR UPDATE")
        position = _event(event_log)
        hall.passing.step()
        assert hall.positions()["jobs only"] == 0
    hall.passing.step()
    assert hall.positions()["jobs only"] == position


def test_who_is_far_behind_is_not_moved(hall: Hall, event_log: PostgresEventLog) -> None:
    for _ in range(3):
        position = _event(event_log)
    Passing(hall.database, hall.followers, LONG, far_behind=1).step()
    assert hall.positions() == {"jobs only": 0, "models only": 0}
    hall.followers[1].step()
    assert hall.positions()["jobs only"] == position


def test_everybody_hears_in_one_word_how_far_those_have_come(
    hall: Hall, event_log: PostgresEventLog
) -> None:
    heard: list[tuple[set[str], str]] = []

    def hear(word: str | None) -> None:
        names, _, position = (word or "").rpartition(" ")
        heard.append((set(names.split(",")), position))

    listener = PostgresListener(hall.database.system_url)
    listener.subscribe(FOLLOWED_CHANNEL, hear)
    listener.start()
    try:
        assert listener.connected.wait(30)
        with in_tenant(uuid4()):
            model = new_model()
            first = event_log.save(model)
            hall.passing.step()
            hall.followers[0].step()
            model.archive()
            second = event_log.save(model)
        hall.passing.step()
        eventually(lambda: ({"jobs only", "models only"}, str(second)) in heard)
        assert ({"jobs only"}, str(first)) in heard
    finally:
        listener.close()


def test_nobody_is_moved_past_what_concerns_it_whatever_came_later(
    hall: Hall, event_log: PostgresEventLog
) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        event_log.save(model)
        hall.passing.step()
        model.archive()
        position = event_log.save(model)
    hall.passing.step()
    assert hall.positions() == {"jobs only": position, "models only": 0}
