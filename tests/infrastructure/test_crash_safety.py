"""`kill -9` of PostgreSQL under load loses nothing that was acknowledged, and nobody who reads the
log ever sees an event that is later gone, or a position that means something else.
"""

import time
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from uuid import UUID, uuid4

import psycopg
import pytest

from application.audit.verification import Verification
from application.ports.event_log import ConcurrentChange
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.event_store.stored_chain import StoredChain
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import SYSTEM, migrate, role_url
from tests.patience import PATIENCE
from tests.services.postgres import TEST_SECRET, OwnPostgres, opened
from tests.services.store_examples import in_tenant, new_model

WRITERS = 8
KILLS = 4
EVENTS_BETWEEN_KILLS = 300
Key = tuple[UUID, int, bytes]
_ROWS = """
SELECT position, originator_id, originator_version, state FROM events
WHERE position > %s ORDER BY position
"""


class Writer(Thread):
    """Writes streams of its own, and notes which saves were acknowledged."""

    def __init__(self, database: Database, log: PostgresEventLog, stop: Flag) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[tuple[int, UUID, int]] = []
        self.conflicts: list[ConcurrentChange] = []
        self._log, self._stop_asked = log, stop

    def run(self) -> None:
        with in_tenant(uuid4()):
            while not self._stop_asked.is_set():
                self._write()

    def _write(self) -> None:
        model = new_model()
        try:
            for change in (model.archive, model.restore, model.delete):
                change()
                position = self._log.save(model)
                self.acknowledged.append((position, model.id, model.version))
        except ConcurrentChange as conflict:
            self.conflicts.append(conflict)
        except Exception:  # not acknowledged: whether it is there is open
            time.sleep(0.01)


class Tail(Thread):
    """Reads the log on from the last position, as a follower does, whatever happens."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.seen: dict[int, Key] = {}
        self.stop_asked = Flag()
        self._url, self._position = url, 0

    def run(self) -> None:
        while not self.stop_asked.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    while not self.stop_asked.is_set():
                        self.read(connection)
            except psycopg.Error:
                time.sleep(0.01)

    def read(self, connection: psycopg.Connection) -> None:
        for position, stream, version, state in connection.execute(_ROWS, (self._position,)):
            self.seen[position] = (stream, version, bytes(state))
            self._position = position


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
def test_acknowledged_events_and_seen_positions_survive_every_kill(
    own_postgres: Callable[[], OwnPostgres],
) -> None:
    server, stop = own_postgres(), Flag()
    migrate(server.url, secret=TEST_SECRET)
    tail = Tail(role_url(server.url, SYSTEM, TEST_SECRET))
    tail.start()
    with opened(server.url) as database:
        log = PostgresEventLog(database)
        writers = [Writer(database, log, stop) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(KILLS):
            _wait_for_load(tail)
            server.kill()
            server.start()
        _wait_for_load(tail)
        stop.set()
        for writer in writers:
            writer.join(timeout=PATIENCE)
            assert not writer.is_alive()
        verification = Verification()
        for event in StoredChain(database).events():
            verification.look(event)
        assert verification.findings() == []
    stored = _stored(server.url)
    _wait_for(tail, max(stored))
    acknowledged = [each for writer in writers for each in writer.acknowledged]
    assert len(acknowledged) > KILLS * EVENTS_BETWEEN_KILLS / 2
    _nothing_acknowledged_is_missing(acknowledged, stored)
    _what_was_seen_is_what_is_stored(tail.seen, stored)
    assert [each for writer in writers for each in writer.conflicts] == []


def _wait_for_load(tail: Tail) -> None:
    """Until the log has grown well: pools take a while to come back after a kill."""
    wanted = len(tail.seen) + EVENTS_BETWEEN_KILLS
    deadline = time.monotonic() + PATIENCE
    while len(tail.seen) < wanted:
        assert time.monotonic() < deadline, "the writers do not come back after a kill"
        time.sleep(0.01)


def _stored(url: str) -> dict[int, Key]:
    with psycopg.connect(role_url(url, SYSTEM, TEST_SECRET)) as connection:
        rows = connection.execute(_ROWS, (0,)).fetchall()
    return {position: (stream, version, bytes(state)) for position, stream, version, state in rows}


def _wait_for(tail: Tail, position: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while position not in tail.seen and time.monotonic() < deadline:
        time.sleep(0.01)
    tail.stop_asked.set()
    tail.join(timeout=PATIENCE)


def _nothing_acknowledged_is_missing(
    acknowledged: list[tuple[int, UUID, int]], stored: dict[int, Key]
) -> None:
    missing = [
        (position, stream, version)
        for position, stream, version in acknowledged
        if stored.get(position, (None, 0, b""))[:2] != (stream, version)
    ]
    assert missing == []


def _what_was_seen_is_what_is_stored(seen: dict[int, Key], stored: dict[int, Key]) -> None:
    """None seen is gone, none means something else now, and the tail has missed none."""
    assert {at for at in seen if at not in stored} == set()
    assert {at for at in seen if seen[at] != stored[at]} == set()
    assert {at for at in stored if at not in seen} == set()
