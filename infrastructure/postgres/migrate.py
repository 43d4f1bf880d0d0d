"""Brings a database to the current schema: numbered SQL once each, then roles, grants and
row-level security, which are derived from the schema and applied every time.

It runs beside processes that are serving: each step is a transaction of its own that waits for a
lock for LOCK_TIMEOUT at most, gives way, and tries again, so nobody queues behind it for long.

Every table with a tenant_id column is under forced row-level security: `edgewise_app` sees the
rows of `app.tenant`, `edgewise_system` all. Neither owns anything. Nobody may change or remove an
event. The roles' passwords are derived from the installation's secret.
"""

import hashlib
import hmac
import random
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

APP, SYSTEM = "edgewise_app", "edgewise_system"
_MIGRATION_LOCK = 0x4D494752
_OPERATIONAL = (
    "uploads", "job_leases", "telemetry", "rollout_members", "trust_metadata", "trust_targets",
)  # fmt: skip
# A process whose network is cut gives its connections up after seconds, not hours.
_NOTICES_A_CUT = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SYSTEM_ALONE = (
    "users",
    "user_identities",
    "invitees",
    "sessions",
    "throttles",
    "oidc_flows",
    "device_calls",
)
_SYSTEM_READS_ONLY = ("events", "schema_migrations")
LOCK_TIMEOUT, MOST_TRIES = "2s", 60
_POLICIES = "edgewise policies 1"
"""Counts up whenever `_secure` changes: tables that say another number are secured anew."""
_SECURED_AS = """
SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relname = %s AND c.relnamespace = 'public'::regnamespace AND p.polname = 'tenant'
  AND c.relrowsecurity AND c.relforcerowsecurity
  AND EXISTS (SELECT 1 FROM pg_policy e WHERE e.polrelid = c.oid AND e.polname = 'everything')
"""
_HAS_LOOKUP = """
SELECT 1 FROM pg_policies WHERE schemaname = 'public' AND tablename = 'api_keys'
  AND policyname = 'lookup'
"""
# Positions and hashes are given by the database, and the log's hashes cover other tenants' events.
_EVENT_WRITTEN = ("originator_id", "originator_version", "topic", "state", "tenant_id")
_EVENT_READ = (*_EVENT_WRITTEN, "position", "recorded_at", "stream_hash")


class MigrationChanged(RuntimeError):
    """A migration that was applied before has another text now."""


class RoleUnbounded(RuntimeError):
    """A runtime role could see the rows of every tenant."""


def role_password(secret: str, role: str) -> str:
    """HMAC-SHA256 of the role's name under the installation's secret, hexadecimal."""
    return hmac.new(secret.encode(), f"postgres-role:{role}".encode(), hashlib.sha256).hexdigest()


def role_url(owner_url: str, role: str, secret: str) -> str:
    """The same database, for one of the two runtime roles."""
    parts = conninfo_to_dict(owner_url)
    parts = {**_NOTICES_A_CUT, **parts}
    parts.update(user=role, password=role_password(secret, role))
    return make_conninfo("", **parts)


def migrate(owner_url: str, *, secret: str) -> None:
    """Applies what is missing; safe to run twice and at the same time from several processes.

    Raises MigrationChanged, or psycopg.Error when the owner may not create roles or tables."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        _apply_numbered(connection)
        _create_roles(connection, secret)
        for table, has_tenant in _tables(connection):
            _patiently(connection, partial(_grant, connection, table, has_tenant))
        _patiently(connection, partial(_grant_the_rest, connection))


def _patiently(connection: Connection, work: Callable[[], None]) -> None:
    """One transaction, again while its locks are not to be had."""
    for left in reversed(range(MOST_TRIES)):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode())
                work()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if not left:
                raise
            time.sleep(random.uniform(0.05, 0.5))


def _apply_numbered(connection: Connection) -> None:
    """Each in a transaction of its own, so that none holds another's locks for long."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = connection.execute("SELECT name, sha256 FROM schema_migrations").fetchall()
    applied: dict[str, str] = dict(rows)
    for name, text in numbered_sql():
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name not in applied:
            _patiently(connection, partial(_apply, connection, name, text, digest))
        elif applied[name] != digest:
            raise MigrationChanged(
                f"migration {name} was changed after it was applied; add a new one instead"
            )


def _apply(connection: Connection, name: str, text: str, digest: str) -> None:
    connection.execute(text.encode())
    connection.execute(
        "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", (name, digest)
    )


def numbered_sql() -> list[tuple[str, str]]:
    """The name and text of every migration, in order."""
    entries = [entry for entry in files("migrations").iterdir() if entry.name.endswith(".sql")]
    return [(entry.name, entry.read_text()) for entry in sorted(entries, key=lambda e: e.name)]


def _create_roles(connection: Connection, secret: str) -> None:
    for role in (APP, SYSTEM):
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        if known is None:
            try:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            except psycopg.errors.DuplicateObject:
                pass  # another database of this server was migrated at the same moment
        _set_password(connection, role, role_password(secret, role))
        _require_bounded(connection, role)


def _require_bounded(connection: Connection, role: str) -> None:
    """Raises RoleUnbounded for a role that row-level security does not bind."""
    statement = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s"
    row = connection.execute(statement, (role,)).fetchone()
    if row is None or row[0]:
        raise RoleUnbounded(
            f"the role {role} exists already and bypasses row-level security; "
            f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS, then migrate again"
        )


def _set_password(connection: Connection, role: str, password: str) -> None:
    """Sends a SCRAM verifier, so that the password itself is never in the server's log."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
        sql.Identifier(role), sql.Literal(verifier)
    )
    for last in (False, False, True):
        try:
            connection.execute(statement)
            return
        except psycopg.errors.InternalError:  # "tuple concurrently updated" by another migration
            if last:
                raise


def _grant(connection: Connection, table: str, has_tenant: bool) -> None:
    app, system = sql.Identifier(APP), sql.Identifier(SYSTEM)
    name = sql.Identifier(table)
    connection.execute(sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}, {}").format(name, app, system))
    if table not in _SYSTEM_ALONE:
        connection.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(_app_rights(table)), name, app)
        )
    rights = "SELECT" if table in _SYSTEM_READS_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), name, system))
    if has_tenant:
        _secure(connection, table)


def _grant_the_rest(connection: Connection) -> None:
    app, system = sql.Identifier(APP), sql.Identifier(SYSTEM)
    connection.execute(
        sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}, {}").format(app, system)
    )
    if connection.execute(_HAS_LOOKUP).fetchone() is None:
        connection.execute(
            "CREATE POLICY lookup ON api_keys FOR SELECT TO CURRENT_USER USING (true)"
        )
    connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION append_events TO {}").format(app))
    connection.execute(
        "CREATE OR REPLACE TRIGGER tell_of_access AFTER UPDATE OR DELETE ON tenant_members"
        " FOR EACH ROW EXECUTE FUNCTION tell_of_access()"
    )


def _app_rights(table: str) -> str:
    if table == "events":
        return f"SELECT ({', '.join(_EVENT_READ)}), INSERT ({', '.join(_EVENT_WRITTEN)})"
    if table == "snapshots":
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE" if table in _OPERATIONAL else "SELECT"


def _secure(connection: Connection, table: str) -> None:
    name, app, system = (
        sql.Identifier(table),
        sql.Identifier(APP),
        sql.Identifier(SYSTEM),
    )
    mine = sql.SQL("tenant_id = nullif(current_setting('app.tenant', true), '')::uuid")
    row = connection.execute(_SECURED_AS, (table,)).fetchone()
    # Each statement takes the table for itself, which would stop all who are at work on it.
    if row is not None and row[0] == _POLICIES:
        return
    for statement in (
        sql.SQL("ALTER TABLE {0} ENABLE ROW LEVEL SECURITY"),
        sql.SQL("ALTER TABLE {0} FORCE ROW LEVEL SECURITY"),
        sql.SQL("DROP POLICY IF EXISTS tenant ON {0}"),
        sql.SQL("DROP POLICY IF EXISTS everything ON {0}"),
        sql.SQL("CREATE POLICY tenant ON {0} TO {1} USING ({3}) WITH CHECK ({3})"),
        sql.SQL("CREATE POLICY everything ON {0} TO {2} USING (true) WITH CHECK (true)"),
        sql.SQL("COMMENT ON POLICY tenant ON {0} IS {4}"),
    ):
        connection.execute(statement.format(name, app, system, mine, sql.Literal(_POLICIES)))


def _tables(connection: Connection) -> list[tuple[str, bool]]:
    rows = connection.execute(
        "SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid"
        " AND a.attname = 'tenant_id' AND NOT a.attisdropped)"
        " FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " ORDER BY 1"
    ).fetchall()
    return [(str(name), bool(has_tenant)) for name, has_tenant in rows]
