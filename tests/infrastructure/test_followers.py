"""A follower keeps up with the log: every event once, in order, and none is ever skipped."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import ProgramLimitExceeded
from psycopg.rows import DictRow

from application.policies.policy import Policy
from application.ports.event_log import RecordedEvent
from application.views.registry import VIEWS
from domain.model import Model
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following import advance
from infrastructure.following.advance import Handling
from infrastructure.following.follower import Follower
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database
from tests.patience import eventually
from tests.services.postgres import opened
from tests.services.store_examples import busy_model, in_tenant, new_model

ROOT = Path(__file__).parents[2]
MODELS = next(view for view in VIEWS if view.name == "models")
INSERT = """
INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)
VALUES (%s, %s, %s, %s, %s) RETURNING position
"""
_HOLDS_THE_LOCK = """
import sys, time
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.follower import Follower
from infrastructure.postgres.database import Database
class Stuck:
    name, topics, at_once = "counting", ["model.registered"], 500
    def handle(self, connection, events):
        print("inside", flush=True)
        time.sleep(600)
database = Database(sys.argv[1], sys.argv[2]); database.open()
follower = Follower(database, Stuck(), TypedMapper(), look_again=0.01)
while True:
    follower.step()
"""


class Counting:
    """Notes every event it is given, in the follower's own transaction."""

    name, at_once = "counting", 500

    def __init__(self, topics: Sequence[str] = ("model.registered",)) -> None:
        self.topics = topics

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        for event in events:
            connection.execute("INSERT INTO counted (position) VALUES (%s)", (event.position,))


class TooLarge(Counting):
    """Meets an error that PostgreSQL counts as operational and that is the row's own fault."""

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        raise ProgramLimitExceeded("index row size 10000 exceeds maximum 2704")


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE counted (n bigserial, position bigint NOT NULL)")
        owner.execute("GRANT ALL ON counted, counted_n_seq TO edgewise_system")
        yield owner


def _follow(database: Database, handling: Handling) -> Follower:
    return Follower(database, handling, TypedMapper(), look_again=0.01)


def _catch_up(follower: Follower, steps: int = 20) -> None:
    """Some steps, as its thread would take them: the first only enrolls, and a stop repeats."""
    for _ in range(steps):
        follower.step()


def _state(database: Database, name: str) -> DictRow:
    with database.system() as connection:
        row = connection.execute("SELECT * FROM followers WHERE name = %s", (name,)).fetchone()
    assert row is not None
    return row


def _counted(owner: Connection[Any]) -> list[int]:
    return [row[0] for row in owner.execute("SELECT position FROM counted ORDER BY n")]


def _positions(owner: Connection[Any]) -> list[int]:
    statement = "SELECT position FROM events WHERE topic = 'model.registered' ORDER BY 1"
    return [row[0] for row in owner.execute(statement)]


def _poison(owner: Connection[Any], tenant_id: UUID, model: Model, state: bytes) -> int:
    values = (model.id, model.version + 1, "model.archived", state, tenant_id)
    row = owner.execute(INSERT, values).fetchone()
    assert row is not None
    return int(row[0])


def test_views_are_filled(database: Database, event_log: PostgresEventLog) -> None:
    with in_tenant(uuid4()) as cause:
        model = new_model("yolo")
        model.archive()
        position = event_log.save(model)
    for view in VIEWS:
        _catch_up(_follow(database, Projection(view)), 3)
    with database.tenant(cause.tenant_id) as connection:
        rows = connection.execute("SELECT * FROM models").fetchall()
    assert [(row["id"], row["status"], row["changed"]) for row in rows] == [
        (model.id, "ARCHIVED", position)
    ]
    assert {_state(database, view.name)["position"] for view in VIEWS} == {position}


def test_an_unreadable_event_stops_the_follower_there_and_says_why(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()) as cause:
        model, later = new_model(), new_model()
        before = event_log.save(model)
        poison = _poison(owner, cause.tenant_id, model, b"{unreadable")
        event_log.save(later)
    follower = _follow(database, Projection(MODELS))
    _catch_up(follower)
    stopped = _state(database, "models")
    assert stopped["position"] == before
    assert (stopped["stopped_position"], stopped["stopped_topic"]) == (poison, "model.archived")
    assert str(model.id) in stopped["stopped_error"]
    with database.system() as connection:
        assert [row["id"] for row in connection.execute("SELECT id FROM models")] == [model.id]


def test_a_stopped_follower_goes_on_when_the_event_is_mended(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()) as cause:
        model = new_model()
        event_log.save(model)
        poison = _poison(owner, cause.tenant_id, model, b"{unreadable")
        last = event_log.save(new_model())
        follower = _follow(database, Projection(MODELS))
        _catch_up(follower)
        model.archive()
        mended = TypedMapper().to_stored_event(model.pending_events[0]).state
    owner.execute("UPDATE events SET state = %s WHERE position = %s", (mended, poison))
    _catch_up(follower)
    state = _state(database, "models")
    assert state["position"] == last
    assert state["stopped_position"] is None
    assert state["stopped_error"] is None
    with database.system() as connection:
        rows = connection.execute("SELECT status FROM models ORDER BY position").fetchall()
    assert [row["status"] for row in rows] == ["ARCHIVED", "ACTIVE"]


def test_a_stopped_view_does_not_hold_up_another(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()) as cause:
        model = new_model()
        event_log.save(model)
        _poison(owner, cause.tenant_id, model, b"{unreadable")
        last = event_log.save(new_model())
    _catch_up(_follow(database, Projection(MODELS)))
    _catch_up(_follow(database, Counting()))
    assert _state(database, "models")["position"] < last
    assert _state(database, "counting")["position"] == last


def test_an_operational_error_on_a_living_connection_stops_the_follower_too(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()):
        position = event_log.save(new_model())
    _catch_up(_follow(database, TooLarge()))
    assert _state(database, "counting")["stopped_position"] == position


def test_two_followers_of_one_name_apply_every_event_once_and_in_order(
    database: Database, database_url: str, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with ExitStack() as stack:
        pools = [stack.enter_context(opened(database_url)) for _ in range(2)]
        followers = [_follow(each, Counting()) for each in pools]
        for follower in followers:
            follower.start()
        _write_from_threads(event_log, threads=6, models=60)
        eventually(lambda: len(_counted(owner)) >= len(_positions(owner)))
        for follower in followers:
            follower.close()
    assert len(_positions(owner)) == 360
    assert _counted(owner) == _positions(owner)


def test_another_takes_over_from_a_process_that_was_killed(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()):
        event_log.save(new_model())
    urls = [database.app_url, database.system_url]
    command = [sys.executable, "-c", _HOLDS_THE_LOCK, *urls]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "inside\n"
        second = _follow(database, Counting())
        _catch_up(second, 3)
        assert _counted(owner) == []
    finally:
        first.kill()
        first.communicate()
    eventually(lambda: second.step() or _counted(owner) != [])
    assert _counted(owner) == _positions(owner)


def test_another_takes_over_from_a_process_that_hangs_and_that_does_no_harm_when_it_goes_on(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    """As PostgreSQL sees it a stopped process and one whose network was cut are the same."""
    with in_tenant(uuid4()):
        event_log.save(new_model())
    command = [sys.executable, "-c", _HOLDS_THE_LOCK, database.app_url, database.system_url]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "inside\n"
        first.send_signal(signal.SIGSTOP)
        second = _follow(database, Counting())
        eventually(lambda: second.step() or _counted(owner) != [])
        first.send_signal(signal.SIGCONT)
        with in_tenant(uuid4()):
            event_log.save(new_model())
        eventually(lambda: second.step() or len(_counted(owner)) == 2)
    finally:
        first.kill()
        first.communicate()
    assert _counted(owner) == _positions(owner)


def test_another_takes_over_from_one_that_falls_silent_in_the_middle_of_a_pipeline(
    database: Database,
    event_log: PostgresEventLog,
    owner: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There PostgreSQL does not take a session for idle."""
    monkeypatch.setattr(advance, "LONGEST", "1s")
    with in_tenant(uuid4()):
        event_log.save(new_model())

    class Silent(Counting):
        def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
            running = "SELECT FROM pg_stat_activity WHERE pid = %s"
            with connection.pipeline():
                connection.execute("SELECT 1").fetchone()
                mine = (connection.info.backend_pid,)
                eventually(lambda: owner.execute(running, mine).fetchone() is None)
                connection.execute("SELECT 1").fetchone()

    silent = _follow(database, Silent())
    silent.step()
    with pytest.raises(psycopg.OperationalError):
        silent.step()
    second = _follow(database, Counting())
    eventually(lambda: second.step() or _counted(owner) != [])
    assert _counted(owner) == _positions(owner)


def test_a_policy_may_take_longer_over_a_command_than_a_view_over_its_rows(
    database: Database, event_log: PostgresEventLog
) -> None:
    policy = Policy("slow")

    @policy.on(Model.Registered)
    def _registered(platform: object, request: object, event: Model.Registered) -> None:
        time.sleep(3)

    with in_tenant(uuid4()):
        last = event_log.save(new_model())
    unused: Any = None
    _catch_up(_follow(database, Reacting(policy, unused)), 2)
    assert _state(database, "policy:slow")["position"] == last


def test_a_follower_goes_on_when_its_connection_is_cut(
    database: Database, event_log: PostgresEventLog, owner: Connection[Any]
) -> None:
    follower = _follow(database, Counting())
    follower.start()
    for _ in range(5):
        with in_tenant(uuid4()):
            event_log.save(new_model())
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'edgewise_system' AND datname = current_database()"
        )
    eventually(lambda: _counted(owner) == _positions(owner))
    follower.close()


def test_a_batch_gives_the_same_rows_as_one_event_at_a_time(
    database: Database, event_log: PostgresEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_tenant(uuid4()):
        for changes in range(6):
            event_log.save(busy_model(changes))
    _catch_up(_follow(database, Projection(MODELS)))
    at_once = _models(database)
    with database.system() as connection:
        connection.execute("DELETE FROM models")
        connection.execute("UPDATE followers SET position = 0")
    monkeypatch.setattr(Projection, "at_once", 1)
    _catch_up(_follow(database, Projection(MODELS)), 60)
    assert _models(database) == at_once
    assert len(at_once) == 6


def _models(database: Database) -> list[DictRow]:
    with database.system() as connection:
        return connection.execute("SELECT * FROM models ORDER BY position").fetchall()


def _write_from_threads(log: PostgresEventLog, *, threads: int, models: int) -> None:
    def write() -> None:
        with in_tenant(uuid4()):
            for _ in range(models):
                log.save(new_model())

    running = [Thread(target=write) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
