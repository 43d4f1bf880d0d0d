"""No query forgets a tenant: PostgreSQL itself keeps tenants apart, and history as it was."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege

from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database, PoolSizes
from infrastructure.postgres.migrate import APP, SYSTEM, migrate, role_url
from tests.services.postgres import TEST_SECRET, drop_database, opened
from tests.services.store_examples import busy_model, in_tenant, new_model

INSERT = """
INSERT INTO events (originator_id, originator_version, topic, state, tenant_id)
VALUES (gen_random_uuid(), 1, 'model.archived', '', %s)
"""


@pytest.fixture
def owner(database_url: str) -> Connection:
    return psycopg.connect(database_url, autocommit=True)


def _tables_of_tenants(owner: Connection) -> dict[str, tuple[bool, bool]]:
    rows = owner.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {name: (on, forced) for name, on, forced in rows}


def test_neither_role_is_superuser_or_passes_by_row_security(owner: Connection) -> None:
    rows = owner.execute(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname = ANY(%s) ORDER BY 1",
        ([APP, SYSTEM],),
    ).fetchall()
    assert rows == [(APP, False, False, False, False), (SYSTEM, False, False, False, False)]


def test_neither_role_owns_anything(owner: Connection) -> None:
    rows = owner.execute(
        "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = ANY(%s)", ([APP, SYSTEM],)
    ).fetchall()
    assert rows == []


def test_neither_role_is_a_member_of_another(owner: Connection) -> None:
    rows = owner.execute(
        "SELECT 1 FROM pg_auth_members WHERE member::regrole::text = ANY(%s)", ([APP, SYSTEM],)
    ).fetchall()
    assert rows == []


def test_every_table_of_tenants_is_under_forced_row_security(owner: Connection) -> None:
    tables = _tables_of_tenants(owner)
    assert {"events", "snapshots", "models", "jobs", "uploads", "outbox"} <= tables.keys()
    assert {name for name, secured in tables.items() if secured != (True, True)} == set()


def test_no_view_shows_rows_past_the_policies(owner: Connection) -> None:
    rows = owner.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
        " AND relnamespace = 'public'::regnamespace"
        " AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)"
    ).fetchall()
    assert rows == []


def test_without_a_tenant_nothing_is_seen(
    database: Database, owner: Connection, event_log: PostgresEventLog
) -> None:
    with in_tenant(uuid4()):
        event_log.save(busy_model(60))
    for table in _tables_of_tenants(owner):
        name = sql.Identifier(table)
        with database.anonymous() as connection:
            try:
                rows = connection.execute(sql.SQL("SELECT 1 FROM {}").format(name)).fetchall()
            except InsufficientPrivilege:
                rows = []
        assert rows == [], table


@pytest.mark.parametrize("tenant", ["", "00000000-0000-0000-0000-000000000000"])
def test_an_empty_or_unknown_tenant_sees_nothing(
    database: Database, event_log: PostgresEventLog, tenant: str
) -> None:
    with in_tenant(uuid4()):
        event_log.save(new_model())
    with database.anonymous() as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (tenant,))
        assert connection.execute("SELECT 1 FROM events").fetchall() == []


def test_a_tenant_cannot_write_an_event_into_another(database: Database) -> None:
    with pytest.raises(InsufficientPrivilege), database.tenant(uuid4()) as connection:
        connection.execute(INSERT, (uuid4(),))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET topic = 'model.deleted'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE snapshots SET topic = ''",
        "DELETE FROM snapshots",
        "ALTER TABLE events DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON events",
        "SET ROLE postgres",
    ],
)
@pytest.mark.parametrize("role", [APP, SYSTEM])
def test_nobody_changes_what_happened(database_url: str, role: str, statement: str) -> None:
    allowed = role == SYSTEM and "snapshots" in statement
    with psycopg.connect(role_url(database_url, role, TEST_SECRET)) as connection:
        if allowed:
            connection.execute(statement.encode())
            return
        with pytest.raises(InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_system_role_cannot_append_events(database: Database) -> None:
    with pytest.raises(InsufficientPrivilege), database.system() as connection:
        connection.execute(INSERT, (uuid4(),))


def test_the_system_role_sees_every_tenant(database: Database, event_log: PostgresEventLog) -> None:
    for _ in range(3):
        with in_tenant(uuid4()):
            event_log.save(new_model())
    with database.system() as connection:
        rows = connection.execute("SELECT DISTINCT tenant_id FROM events").fetchall()
    assert len(rows) == 3


def test_a_role_needs_its_password(database_url: str) -> None:
    url = role_url(database_url, APP, "another secret")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_a_tenant_does_not_outlive_its_transaction(database_url: str) -> None:
    with opened(database_url, PoolSizes(commands=1)) as database:
        with database.tenant(uuid4()) as connection:
            inside = connection.execute("SELECT current_setting('app.tenant', true) t").fetchone()
        with database.anonymous() as connection:
            after = connection.execute("SELECT current_setting('app.tenant', true) t").fetchone()
    assert inside is not None
    assert inside["t"]
    assert after is not None
    assert not after["t"]


def test_a_failed_transaction_leaves_no_tenant_behind(database_url: str) -> None:
    with opened(database_url, PoolSizes(commands=1)) as database:
        with pytest.raises(psycopg.errors.DivisionByZero), database.tenant(uuid4()) as connection:
            connection.execute("SELECT 1 / 0")
        with database.anonymous() as connection:
            after = connection.execute("SELECT current_setting('app.tenant', true) t").fetchone()
    assert after is not None
    assert not after["t"]


def test_two_hundred_alternating_tenants_never_see_each_other(database_url: str) -> None:
    tenants = [uuid4() for _ in range(200)]
    with opened(database_url, PoolSizes(commands=3)) as database:
        log = PostgresEventLog(database)

        def work(tenant_id: UUID) -> set[UUID]:
            with in_tenant(tenant_id):
                log.save(new_model())
            with database.anonymous() as connection:
                strangers = connection.execute("SELECT tenant_id FROM events").fetchall()
            with database.tenant(tenant_id) as connection:
                rows = connection.execute("SELECT tenant_id FROM events").fetchall()
            return {row["tenant_id"] for row in [*strangers, *rows]}

        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(work, tenants * 3))
    assert seen == [{tenant_id} for tenant_id in tenants * 3]


async def test_the_pool_for_reads_never_leaks_either(
    database: Database, event_log: PostgresEventLog
) -> None:
    tenants = [uuid4() for _ in range(20)]
    for tenant_id in tenants:
        with in_tenant(tenant_id):
            event_log.save(new_model())
    await database.open_reads()
    for tenant_id in tenants * 3:
        async with database.reading(tenant_id) as connection:
            found = await connection.execute("SELECT tenant_id FROM events")
            assert [row["tenant_id"] for row in await found.fetchall()] == [tenant_id]
    await database.close_reads()


def test_a_key_is_found_by_its_hash_and_by_nothing_else(
    database: Database, owner: Connection
) -> None:
    key, tenant_id = uuid4(), uuid4()
    with database.system() as connection:
        connection.execute(
            "INSERT INTO api_keys (id, tenant_id, label, role, sha256, platform, created_at,"
            " created_by, position) VALUES (%s, %s, 'k', 'OWNER', 'abc', false, now(), 'x', 1)",
            (key, tenant_id),
        )
    with database.anonymous() as connection:
        lookup = "SELECT id, tenant_id FROM find_api_key(%s)"
        assert connection.execute(lookup, ("abc",)).fetchone() == {
            "id": key,
            "tenant_id": tenant_id,
        }
        assert connection.execute(lookup, ("ab%",)).fetchone() is None
        assert connection.execute("SELECT 1 FROM api_keys").fetchall() == []


def test_a_table_added_later_is_secured_by_the_next_migration(
    database_url: str, owner: Connection
) -> None:
    owner.execute("CREATE TABLE later (tenant_id uuid NOT NULL)")
    migrate(database_url, secret=TEST_SECRET)
    assert _tables_of_tenants(owner)["later"] == (True, True)


def test_migrating_at_the_same_time_from_several_processes_is_safe(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(database_url, secret=TEST_SECRET), range(8)))


def test_an_owner_who_is_no_superuser_can_migrate_and_is_bound_too(
    postgres_server: str, migrated_template: str
) -> None:
    name, role = f"plain_{uuid4().hex[:8]}", f"owner_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_server, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'x'".encode())
        roles = f"{APP}, {SYSTEM}"
        superuser.execute(f"GRANT {roles} TO {role} WITH ADMIN OPTION".encode())
        superuser.execute(f"CREATE DATABASE {name} OWNER {role}".encode())
    parts = conninfo_to_dict(postgres_server)
    owner = make_conninfo("", **{**parts, "user": role, "password": "x", "dbname": name})
    try:
        migrate(owner, secret=TEST_SECRET)
        with psycopg.connect(role_url(owner, APP, TEST_SECRET)) as app:
            app.execute("SELECT * FROM find_api_key('x')")
            assert app.execute("SELECT count(*) FROM events").fetchone() == (0,)
        with opened(owner) as database, in_tenant(uuid4()):
            log, model = PostgresEventLog(database), busy_model(2)
            log.save(model)
            assert len(log.stream(model.id)) == 3
    finally:
        drop_database(postgres_server, name)
