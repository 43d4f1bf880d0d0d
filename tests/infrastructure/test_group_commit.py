"""Saves that wait together share a transaction and nothing else: each fares on its own."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import Connection

from infrastructure.event_store.append import Save, append
from infrastructure.event_store.group_commit import GroupCommit, SaveInterrupted
from infrastructure.postgres.database import Database
from tests.patience import PATIENCE, eventually

TENANT = uuid4()
HOLD = "SELECT lock_appends()"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = %s"
Batch = Callable[..., list[Future[list[int]]]]


def event(stream: UUID, version: int = 1, topic: str = "t", state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, topic, state)


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def commits(database: Database) -> GroupCommit:
    return GroupCommit(database.appends)


@pytest.fixture
def batch(owner: Connection, commits: GroupCommit) -> Iterator[Batch]:
    """Saves that are committed in one batch, behind a first one that was kept waiting."""
    with ThreadPoolExecutor(20) as pool:

        def together(*saves: list[StoredEvent]) -> list[Future[list[int]]]:
            with owner.transaction():
                owner.execute(HOLD)
                first = pool.submit(commits.append, TENANT, [event(uuid4())])
                eventually(lambda: _waiting(owner) is not None)
                futures = [pool.submit(commits.append, TENANT, events) for events in saves]
                eventually(lambda: len(commits._queue) == len(saves))
            first.result(PATIENCE)
            return futures

        yield together


def _waiting(owner: Connection) -> int | None:
    row = owner.execute(WAITING, (owner.info.dbname,)).fetchone()
    return None if row is None else int(row[0])


def test_saves_that_waited_are_one_transaction(batch: Batch, owner: Connection) -> None:
    for future in batch(*([event(uuid4()), event(uuid4())] for _ in range(10))):
        assert len(future.result(PATIENCE)) == 2
    rows = owner.execute("SELECT xmin::text, count(*) FROM events GROUP BY 1 ORDER BY 2").fetchall()
    assert [count for _, count in rows] == [1, 20]


def test_a_save_that_conflicts_fails_alone(batch: Batch, owner: Connection) -> None:
    stream, other = uuid4(), uuid4()
    first, late, ahead, beside, next_one = batch(
        [event(stream), event(stream, 2)],
        [event(other), event(stream, 2)],
        [event(stream, 9)],
        [event(other)],
        [event(stream, 3)],
    )
    for refused in (late, ahead):
        with pytest.raises(IntegrityError):
            refused.result(PATIENCE)
    assert first.result(PATIENCE) < beside.result(PATIENCE) < next_one.result(PATIENCE)
    row = owner.execute("SELECT count(*) FROM events WHERE originator_id = %s", (other,)).fetchone()
    assert row == (1,)


def test_a_stream_stays_its_tenant_s_whatever_the_caller_says(
    commits: GroupCommit, owner: Connection
) -> None:
    stream = uuid4()
    commits.append(TENANT, [event(stream)])
    with pytest.raises(IntegrityError):
        commits.append(uuid4(), [event(stream, 2)])
    assert owner.execute("SELECT count(*) FROM events").fetchone() == (1,)


@pytest.mark.parametrize("topic", ["a\0b", "\ud800"])
def test_a_save_that_postgresql_cannot_take_fails_alone(batch: Batch, topic: str) -> None:
    good, bad, fine = batch([event(uuid4())], [event(uuid4(), topic=topic)], [event(uuid4())])
    assert good.result(PATIENCE)
    assert fine.result(PATIENCE)
    with pytest.raises((psycopg.DataError, UnicodeEncodeError)):
        bad.result(PATIENCE)


def test_a_connection_cut_in_the_middle_delays_and_loses_nothing(
    commits: GroupCommit, owner: Connection
) -> None:
    stream = uuid4()
    with ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute(HOLD)
            future = pool.submit(commits.append, TENANT, [event(stream)])
            eventually(lambda: _waiting(owner) is not None)
            owner.execute("SELECT pg_terminate_backend(%s)", (_waiting(owner),))
        (position,) = future.result(30)
    assert owner.execute("SELECT position, originator_id FROM events").fetchall() == [
        (position, stream)
    ]


def test_a_save_that_was_committed_after_all_is_found_and_not_made_twice(
    database: Database, owner: Connection
) -> None:
    stream = uuid4()
    events = [event(stream), event(stream, 2)]
    first, again, other = Save(TENANT, events), Save(TENANT, events), Save(TENANT, events)
    changed = Save(TENANT, [event(stream), event(stream, 2, state=b"[]")])
    again.unsure = changed.unsure = True
    with database.appends.connection() as connection:
        for save in (first, again, other, changed):
            append(connection, [save])
    assert again.positions == first.positions
    assert [type(save.error) for save in (other, changed)] == [IntegrityError, IntegrityError]
    assert owner.execute("SELECT count(*) FROM events").fetchone() == (2,)


class StoppedOnce:
    """A pool whose first user is stopped, as a worker's thread is when its time is over."""

    def __init__(self, database: Database) -> None:
        self.go_on = threading.Event()
        self._pool, self._stopped = database.appends, False

    def connection(self) -> AbstractContextManager[Any]:
        return self._pool.connection() if self._stopped else self._stop()

    @contextmanager
    def _stop(self) -> Iterator[Any]:
        self._stopped = True
        assert self.go_on.wait(20)
        raise SystemExit
        yield


def test_a_leader_that_is_stopped_leaves_nobody_waiting(database: Database) -> None:
    pool: Any = StoppedOnce(database)
    commits = GroupCommit(pool)
    outcomes: list[Any] = []

    def save() -> None:
        try:
            outcomes.append(commits.append(TENANT, [event(uuid4())]))
        except BaseException as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=save) for _ in range(5)]
    for place, thread in enumerate(threads):
        thread.start()
        if place == 0:
            eventually(lambda: pool._stopped)
    eventually(lambda: len(commits._queue) == 4)
    pool.go_on.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert outcomes.count(SystemExit) == 1
    assert SaveInterrupted not in outcomes
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 4
