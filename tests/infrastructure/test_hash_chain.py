"""Whatever is done to the log behind the platform's back is found and named, and the platform's own
roles cannot do it.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from application.audit.checkpoint import Checkpoint
from application.audit.findings import Finding, Flaw
from application.audit.verification import Verification
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.event_store.stored_chain import StoredChain
from infrastructure.postgres import migrate as migrating
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import APP, migrate, numbered_sql, role_url
from tests.patience import PATIENCE
from tests.services.postgres import TEST_SECRET, fresh_database, opened
from tests.services.store_examples import busy_model, in_tenant, new_model

# As the version before the hash chain appended.
OLDER_INSERT = """
INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)
SELECT stream, version, topic, state, %(tenant)s
FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[], %(topics)s::text[], %(states)s::bytea[])
     WITH ORDINALITY AS e (stream, version, topic, state, place)
ORDER BY place
ON CONFLICT DO NOTHING
RETURNING originator_id, originator_version, position
"""
FIVE = "originator_id, originator_version, topic, state, tenant_id"
ROW = "gen_random_uuid(), 1, 't', '', current_setting('app.tenant')::uuid"
Tamper = Callable[[str], None]


@pytest.fixture
def tamper(database_url: str) -> Tamper:
    """Does something to the log as a superuser."""

    def do(statement: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as owner:
            assert owner.execute(statement.encode()).rowcount != 0

    return do


@pytest.fixture
def busy_log(event_log: PostgresEventLog) -> PostgresEventLog:
    """Two tenants' events in turn: positions 1 to 12 in four streams of three."""
    for tenant in (uuid4(), uuid4()) * 2:
        with in_tenant(tenant):
            event_log.save(busy_model(2))
    return event_log


def verified(database: Database, *checkpoints: Checkpoint) -> list[Finding]:
    verification = Verification(checkpoints)
    for event in StoredChain(database).events(batch=5):
        verification.look(event)
    return verification.findings()


def checkpoint(database: Database) -> Checkpoint:
    verification = Verification()
    for event in StoredChain(database).events():
        verification.look(event)
    return Checkpoint(
        verification.position, verification.hash, verification.count, datetime.now(UTC)
    )


def flaws(findings: list[Finding]) -> list[tuple[str, int]]:
    return [(finding.flaw.value, finding.position) for finding in findings]


def test_an_honest_log_verifies(busy_log: PostgresEventLog, database: Database) -> None:
    assert verified(database, checkpoint(database)) == []


def test_an_empty_log_verifies(database: Database) -> None:
    assert verified(database, checkpoint(database)) == []


def test_positions_that_were_never_given_are_no_finding(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("SELECT nextval('events_position_seq') FROM generate_series(1, 7)")
    with in_tenant(uuid4()):
        busy_log.save(new_model())
    assert verified(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "state = state || ' '",
        "state = ''",
        "topic = 'model.deleted'",
        "tenant_id = gen_random_uuid()",
        "recorded_at = recorded_at - interval '1 microsecond'",
    ],
)
@pytest.mark.parametrize("position", [1, 5, 12])
def test_a_changed_event_is_named(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper, change: str, position: int
) -> None:
    tamper(f"UPDATE events SET {change} WHERE position = {position}")
    (finding,) = verified(database)
    assert (finding.flaw, finding.position) == (Flaw.CHANGED, position)
    assert finding.version == (position - 1) % 3 + 1
    assert finding.stream is not None


def test_an_event_that_was_changed_with_its_own_hash_is_found(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper(
        "UPDATE events e SET state = '{}', stream_hash = chain_stream(b.stream_hash, e.position,"
        " e.originator_id, e.originator_version, e.tenant_id, e.recorded_at, e.topic, '{}')"
        " FROM events b WHERE e.position = 5 AND b.position = 4"
    )
    assert flaws(verified(database)) == [("missing", 5), ("changed", 6)]


def test_a_missing_event_is_named_by_its_stream_and_by_its_place_in_the_log(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("DELETE FROM events WHERE position = 5")
    (finding,) = verified(database)
    assert (finding.flaw, finding.position, finding.version) == (Flaw.MISSING, 6, 2)
    assert "version 2 of the stream is missing" in finding.message


def test_the_last_event_of_a_stream_is_missed_in_the_log(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("DELETE FROM events WHERE position = 6")
    (finding,) = verified(database)
    assert (finding.flaw, finding.position) == (Flaw.MISSING, 7)
    assert "does not follow the event at position 5" in finding.message


def test_a_whole_stream_is_missed_in_the_log(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("DELETE FROM events WHERE position BETWEEN 4 AND 6")
    assert flaws(verified(database)) == [("missing", 7)]


def test_the_first_event_is_missed(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("DELETE FROM events WHERE position = 1")
    assert flaws(verified(database)) == [("missing", 2)]


@pytest.mark.parametrize("gone", ["position = 12", "position > 9", "true"])
def test_an_end_that_was_cut_off_is_found_against_a_checkpoint(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper, gone: str
) -> None:
    signed = checkpoint(database)
    tamper(f"DELETE FROM events WHERE {gone}")
    assert flaws(verified(database)) == []
    assert flaws(verified(database, signed)) == [("truncated", 12)]


def test_an_end_that_was_cut_off_is_found_also_where_the_log_went_on(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    signed = checkpoint(database)
    tamper("DELETE FROM events WHERE position > 9")
    with in_tenant(uuid4()):
        busy_log.save(new_model())
    assert flaws(verified(database, signed)) == [("missing", 12)]


def test_a_log_that_was_written_anew_is_found_against_a_checkpoint(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    signed = checkpoint(database)
    tamper("UPDATE events SET topic = 'model.deleted' WHERE position = 5")
    (backfill,) = (text for name, text in numbered_sql() if name.startswith("0005"))
    tamper("SELECT 1; " + backfill.split("CREATE TRIGGER")[0] + "SELECT 1")
    assert verified(database) == []
    assert flaws(verified(database, signed)) == [("rewritten", 12)]


def swap(names: str, one: int, other: int) -> str:
    columns = ", ".join(f"{name} = b.{name}" for name in names.split())
    return (
        f"UPDATE events e SET {columns} FROM (SELECT * FROM events WHERE position IN"
        f" ({one}, {other})) b WHERE (e.position, b.position) IN (({one}, {other}),"
        f" ({other}, {one}))"
    )


def swap_positions(one: int, other: int) -> str:
    return (
        "ALTER TABLE events DROP CONSTRAINT events_position_key, ALTER position DROP IDENTITY;"
        f" UPDATE events SET position = {one} + {other} - position"
        f" WHERE position IN ({one}, {other})"
    )


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        (swap_positions(5, 8), (5, 8)),
        (swap_positions(4, 5), (4, 5)),
        (swap_positions(4, 6), (4, 6)),
        (swap_positions(1, 12), (1, 12)),
        (swap_positions(6, 7), (6, 7)),
        (swap("topic state", 5, 8), (5, 8)),
        (swap("state", 2, 3), (2, 3)),
        (swap("topic state recorded_at", 11, 12), (11, 12)),
    ],
)
def test_two_swapped_events_are_named(
    busy_log: PostgresEventLog,
    database: Database,
    tamper: Tamper,
    statement: str,
    places: tuple[int, int],
) -> None:
    tamper(statement)
    findings = verified(database)
    assert flaws(findings) == [("swapped", place) for place in places], findings
    assert f"position {places[1]}" in findings[0].message


def test_an_event_that_was_put_in_is_found(
    busy_log: PostgresEventLog, database: Database, tamper: Tamper
) -> None:
    tamper("DELETE FROM events WHERE position = 12")
    tamper(
        "INSERT INTO events OVERRIDING SYSTEM VALUE SELECT 12, gen_random_uuid(), 1, topic, state,"
        " tenant_id, recorded_at, sha256('x'), sha256('y') FROM events WHERE position = 11"
    )
    assert flaws(verified(database)) == [("changed", 12)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET stream_hash = sha256('x')",
        "UPDATE events SET log_hash = sha256('x')",
        f"INSERT INTO events ({FIVE}, stream_hash) VALUES ({ROW}, sha256(''))",
        f"INSERT INTO events ({FIVE}, log_hash) VALUES ({ROW}, sha256(''))",
        f"INSERT INTO events (position, {FIVE}) OVERRIDING SYSTEM VALUE VALUES (99, {ROW})",
        f"INSERT INTO events ({FIVE}, recorded_at) VALUES ({ROW}, now())",
        "SELECT log_hash FROM events",
        "SELECT setval('events_position_seq', 1)",
        "ALTER TABLE events DISABLE TRIGGER chain",
        "CREATE OR REPLACE FUNCTION no_hash() RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'",
        "SET session_replication_role = replica",
    ],
)
def test_the_runtime_role_makes_up_no_hashes(
    busy_log: PostgresEventLog, database: Database, statement: str
) -> None:
    with pytest.raises(InsufficientPrivilege), database.tenant(uuid4()) as connection:
        connection.execute(statement.encode())
    assert verified(database) == []


def test_the_system_role_cannot_append_through_the_function(database: Database) -> None:
    with pytest.raises(InsufficientPrivilege), database.system() as connection:
        connection.execute("SELECT append_events('{}', '{}', '{}', '{}', '{}', '{}', '{}')")


def older_save(connection: Connection, tenant: UUID, stream: UUID, versions: range) -> int:
    """A save as the version before the hash chain makes it; returns how many rows it made."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (0x45444745,))
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
        values = {
            "tenant": tenant,
            "streams": [stream for _ in versions],
            "versions": list(versions),
            "topics": ["model.archived" for _ in versions],
            "states": [b"{}" for _ in versions],
        }
        return connection.execute(OLDER_INSERT, values).rowcount


def test_older_and_newer_programs_write_one_chain_side_by_side(database_url: str) -> None:
    """Several pools stand for several processes: what orders them is in PostgreSQL alone."""
    start = threading.Barrier(4)

    def older() -> None:
        tenant, url = uuid4(), role_url(database_url, APP, TEST_SECRET)
        with psycopg.connect(url, autocommit=True) as connection:
            start.wait()
            for _ in range(30):
                stream = uuid4()
                assert older_save(connection, tenant, stream, range(1, 4)) == 3
                assert older_save(connection, tenant, stream, range(4, 6)) == 2

    def newer() -> None:
        with opened(database_url) as database, in_tenant(uuid4()):
            log = PostgresEventLog(database)
            start.wait()
            for _ in range(30):
                model = busy_model(2)
                log.save(model)
                model.delete()
                log.save(model)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for work in (older, newer, older, newer)]:
            done.result()
    with opened(database_url) as database:
        assert verified(database) == []
        assert len(list(StoredChain(database).events())) == 2 * 30 * 5 + 2 * 30 * 4


def test_a_writer_that_takes_no_lock_is_chained_too(database_url: str) -> None:
    """The trigger takes it, and gives a later position where another came between."""
    url = role_url(database_url, APP, TEST_SECRET)

    def write() -> None:
        tenant = uuid4()
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(40):
                with connection.transaction():
                    connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
                    connection.execute(
                        "INSERT INTO events (originator_id, originator_version, topic, state,"
                        " tenant_id) VALUES (%s, 1, 't', '{}', %s)",
                        (uuid4(), tenant),
                    )

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write) for _ in range(4)]:
            done.result()
    with opened(database_url) as database:
        assert verified(database) == []


def test_a_snapshot_from_before_the_lock_is_refused(database: Database) -> None:
    with psycopg.connect(database.app_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(uuid4()),))
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            connection.execute(
                "INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)"
                " VALUES (%s, 1, 't', '{}', current_setting('app.tenant')::uuid)",
                (uuid4(),),
            )


@contextmanager
def database_of_the_version_before(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    older = [(name, text) for name, text in numbered_sql() if name < "0004"]
    with fresh_database(server) as url:
        with monkeypatch.context() as patched:
            patched.setattr(migrating, "numbered_sql", lambda: older)
            patched.setattr(migrating, "_grant", lambda *_: None)
            patched.setattr(migrating, "_grant_the_rest", lambda *_: None)
            migrate(url, secret=TEST_SECRET)
        yield url


def test_events_from_before_the_chain_are_chained_by_the_migration(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_of_the_version_before(postgres_server, monkeypatch) as url:
        with psycopg.connect(url) as owner:
            owner.execute(
                "INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)"
                " SELECT md5((n % 500)::text)::uuid, n / 500 + 1, 'model.archived',"
                " convert_to('{\"n\": ' || n || '}', 'UTF8'), md5((n % 7)::text)::uuid"
                " FROM generate_series(0, 9999) AS n ORDER BY n"
            )
        migrate(url, secret=TEST_SECRET)
        with opened(url) as database:
            log = PostgresEventLog(database)
            with in_tenant(uuid4()):
                log.save(busy_model(2))
            assert verified(database) == []
            assert len(list(StoredChain(database).events())) == 10_003


def test_a_tenant_reads_the_hashes_of_its_own_streams(
    busy_log: PostgresEventLog, database: Database
) -> None:
    with database.system() as connection:
        row = connection.execute("SELECT tenant_id FROM events LIMIT 1").fetchone()
    assert row is not None
    with database.tenant(row["tenant_id"]) as connection:
        rows = connection.execute("SELECT stream_hash FROM events").fetchall()
    assert len(rows) == 6


def test_each_tenant_of_a_batch_is_told_its_last_position(
    database: Database, event_log: PostgresEventLog
) -> None:
    tenants = [uuid4(), uuid4()]
    with psycopg.connect(database.system_url, autocommit=True) as listening:
        listening.execute("LISTEN edgewise_events")
        positions = {}
        for tenant in tenants:
            with in_tenant(tenant):
                positions[tenant] = event_log.save(busy_model(3))
        said = [word.payload for word in listening.notifies(timeout=PATIENCE, stop_after=2)]
    assert said == [f"{tenant} {positions[tenant]}" for tenant in tenants]
