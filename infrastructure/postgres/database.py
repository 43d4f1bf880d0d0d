"""Connections to PostgreSQL, always inside a tenant or openly outside of all.

Two login roles, neither superuser nor owner: `edgewise_app` sees one tenant, chosen by
`set_config('app.tenant', …, true)` as the first statement of every transaction, and
`edgewise_system` (projections, relay, sweeper) sees all. Row-level security is forced, so a
transaction that names no tenant sees nothing.

Connection budget of one process: `commands` + `reads` + `system` pool sizes, one for
appends and one for LISTEN.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Connection, Error, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8BinaryDumper
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from domain.refusal import Refusal, RefusalCode

ENTER_TENANT = "SELECT set_config('app.tenant', %s, true)"


@dataclass(frozen=True, slots=True)
class PoolSizes:
    """The largest number of connections each pool of one process may hold."""

    commands: int = 8
    reads: int = 8
    system: int = 8


class Database:
    """The pools of one process. `app_url` and `system_url` are libpq URLs of the two roles."""

    def __init__(self, app_url: str, system_url: str, sizes: PoolSizes | None = None) -> None:
        sizes = sizes or PoolSizes()
        self.app_url, self.system_url = app_url, system_url
        self.commands = _pool(app_url, sizes.commands)
        # One thread at a time appends, for all. A dead connection shows when it is used, and what
        # became of the append is then looked up: no need to ask beforehand each time.
        self.appends: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            app_url,
            open=False,
            min_size=1,
            max_size=1,
            kwargs={"row_factory": dict_row, "autocommit": True, "prepare_threshold": 0},
            configure=_all_integers_are_bigint,
        )
        self._system = _pool(system_url, sizes.system)
        self._reads: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            app_url,
            open=False,
            min_size=1,
            max_size=sizes.reads,
            kwargs={"row_factory": dict_row},
            check=AsyncConnectionPool.check_connection,
        )

    def open(self) -> None:
        """Opens the pools for commands and for the system; waits until PostgreSQL answers."""
        self.commands.open(wait=True, timeout=30)
        self.appends.open(wait=True, timeout=30)
        self._system.open(wait=True, timeout=30)

    async def open_reads(self) -> None:
        """Opens the pool for reads, on the running event loop."""
        await self._reads.open(wait=True, timeout=30)

    async def close_reads(self) -> None:
        await self._reads.close()

    def close(self) -> None:
        self.commands.close()
        self.appends.close()
        self._system.close()

    def pool_stats(self) -> dict[str, dict[str, int]]:
        """The figures of each pool, as psycopg_pool tells them."""
        pools = {"commands": self.commands, "system": self._system, "reads": self._reads}
        return {name: dict(pool.get_stats()) for name, pool in pools.items()}

    @contextmanager
    def tenant(self, tenant_id: UUID) -> Iterator[Connection[DictRow]]:
        """A transaction that sees and writes the rows of one tenant."""
        with self.commands.connection() as connection, connection.transaction():
            connection.execute(ENTER_TENANT, (str(tenant_id),))
            yield connection

    @contextmanager
    def system(self) -> Iterator[Connection[DictRow]]:
        """A transaction across all tenants, for projections, the relay and the sweeper."""
        with self._system.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def statements(self) -> Iterator[Connection[DictRow]]:
        """Across all tenants, each statement a transaction of its own: one round trip."""
        with self._system.connection() as connection:
            connection.autocommit = True
            try:
                yield connection
            finally:
                with suppress(Error):  # of a connection that broke
                    connection.autocommit = False

    @contextmanager
    def anonymous(self) -> Iterator[Connection[DictRow]]:
        """A transaction in no tenant: it can call the key lookup function and nothing else."""
        with self.commands.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def reading(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A read transaction of one tenant on the asynchronous pool. Raises
        Refusal(UNAVAILABLE) while PostgreSQL is away."""
        try:
            async with self._reads.connection() as connection, connection.transaction():
                await connection.execute(ENTER_TENANT, (str(tenant_id),))
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise Refusal(
                RefusalCode.UNAVAILABLE, "The database is away. Try again in a moment."
            ) from error


def _all_integers_are_bigint(connection: Connection[DictRow]) -> None:
    """By the size of its values a list would be of another type each time, and the statement that
    takes it prepared anew."""
    connection.adapters.register_dumper(int, Int8BinaryDumper)


def _pool(url: str, size: int) -> ConnectionPool[Connection[DictRow]]:
    kwargs: dict[str, Any] = {"row_factory": dict_row}
    return ConnectionPool(
        url,
        open=False,
        min_size=1,
        max_size=size,
        kwargs=kwargs,
        check=ConnectionPool.check_connection,
    )
