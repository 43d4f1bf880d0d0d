"""PostgreSQL for tests: the embedded server in a private folder, and databases made from a template
that was migrated once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.embedded.postgres import EmbeddedPostgres
from infrastructure.postgres.database import Database, PoolSizes
from infrastructure.postgres.migrate import APP, SYSTEM, migrate, role_url
from tests.services.session_folder import kill_tree

TEST_SECRET = SECRET = "a secret for tests"
_WITHOUT_DISK = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


class OwnPostgres:
    """A private server. `url` is the owner's conninfo, the same after `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder)
        self.url = ""

    def start(self) -> None:
        self.url = self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL for the postmaster and all its children at once."""
        if self._server.pid is not None and psutil.pid_exists(self._server.pid):
            kill_tree(psutil.Process(self._server.pid))

    @property
    def pid(self) -> int | None:
        return self._server.pid


def without_disk(owner_url: str) -> None:
    """Makes a server that no test kills faster: nothing waits for the disk."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for setting in _WITHOUT_DISK:
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")


def make_template(owner_url: str) -> str:
    """A migrated database that others are copied from; returns its name."""
    name = f"template_{os.getpid()}_{uuid4().hex[:8]}"
    url = _create(owner_url, name)
    migrate(url, secret=TEST_SECRET)
    return name


@contextmanager
def fresh_database(owner_url: str, template: str = "template0") -> Iterator[str]:
    """A database of its own; yields the owner's conninfo. Dropped with whoever is connected."""
    name = f"test_{uuid4().hex[:12]}"
    yield _create(owner_url, name, template)
    drop_database(owner_url, name)


def drop_database(owner_url: str, name: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))


@contextmanager
def opened(owner_url: str, sizes: PoolSizes | None = None) -> Iterator[Database]:
    """The pools of the two runtime roles on a migrated database."""
    database = Database(
        role_url(owner_url, APP, TEST_SECRET), role_url(owner_url, SYSTEM, TEST_SECRET), sizes
    )
    database.open()
    try:
        yield database
    finally:
        database.close()


def _create(owner_url: str, name: str, template: str = "template0") -> str:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        # Through the log, which is what the server does untold, it costs three times as much.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return make_conninfo(owner_url, dbname=name)
