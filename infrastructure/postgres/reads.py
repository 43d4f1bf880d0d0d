"""Rows and events read from PostgreSQL, on the asynchronous pool, inside one tenant.

Each row class is one table; its fields are the columns that are read. What a view marks as deleted
is left out here, once, for every list and every look-up.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import DictRow

from application.plain_json import from_json
from application.ports.event_log import Moment, RecordedEvent
from application.ports.leases import Tick
from application.ports.projections import Standing, Waiting
from application.ports.reads import EventRow, FollowerRow, Page, Paging, Where, page_of
from application.ports.telemetry import TelemetryRow
from application.ports.workers import WorkerRow
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import recorded_event
from infrastructure.following.standing import standing, waiting
from infrastructure.postgres.database import Database
from infrastructure.postgres.row_sql import count_sql, counts_sql, find_sql, page_sql, pages_sql
from infrastructure.postgres.stored_events import event_row
from infrastructure.postgres.workers import workers_of

R = TypeVar("R")
K = TypeVar("K")

FEW = 20
"""So many events are typed at once; more of them in a thread."""

_FOLLOWERS = """
SELECT name, position, stopped_position, stopped_topic, stopped_error, stopped_since
FROM followers ORDER BY name
"""
_LAST_GIVEN = """
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'position')), 0) AS last
"""
_HEAD = """
SELECT position FROM events
WHERE (%(position)s::bigint IS NULL OR position <= %(position)s)
  AND (%(time)s::timestamptz IS NULL OR recorded_at <= %(time)s)
  AND tenant_id = %(tenant)s
ORDER BY position DESC LIMIT 1
"""
_EVENT = "SELECT position, recorded_at, tenant_id, originator_id, originator_version, topic, state"
_STORY = f"""
{_EVENT} FROM events WHERE tenant_id = %s AND position > %s
  AND (%s::bigint IS NULL OR position <= %s) ORDER BY position LIMIT %s
"""
_STORY_OF = f"""
{_EVENT} FROM events WHERE originator_id = %s AND position > %s
  AND (%s::bigint IS NULL OR position <= %s) ORDER BY originator_version LIMIT %s
"""
_NAMED = f"""
{_EVENT} FROM events JOIN unnest(%s::uuid[], %s::bigint[]) AS wanted (stream, version)
ON originator_id = stream AND originator_version = version
"""
_STREAMS = f"""
{_EVENT} FROM events WHERE originator_id = ANY(%s) AND position > %s
  AND (%s::bigint IS NULL OR position <= %s) ORDER BY position LIMIT %s
"""
_OF_TOPICS = f"""
{_EVENT} FROM events
WHERE tenant_id = %s AND position > %s AND position <= %s AND topic = ANY(%s)
ORDER BY position LIMIT %s
"""
_TELEMETRY = """
SELECT log_id, number, topic, kind, at, received_at, body FROM telemetry
WHERE tenant_id = %(tenant)s AND device_id = %(device)s
  AND (%(before)s::timestamptz IS NULL OR at < %(before)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY at DESC, log_id, number DESC LIMIT %(limit)s
"""
_TICKS = """
SELECT tick FROM job_leases
WHERE job_id = ANY(%s) AND tick IS NOT NULL AND expires_at > clock_timestamp()
"""


class PostgresReads:
    """Implements `application.ports.reads.Reads`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mapper = TypedMapper()

    def within(self, tenant_id: UUID) -> "PostgresTenantReads":
        return PostgresTenantReads(self._database, self._mapper, tenant_id)

    async def followers(self) -> list[FollowerRow]:
        async with self._database.reading(UUID(int=0)) as connection:
            found = await (await connection.execute(_FOLLOWERS)).fetchall()
        return [FollowerRow(**row) for row in found]

    async def standing(self) -> list[Standing]:
        return await asyncio.to_thread(self._across_tenants, standing)

    async def outbox(self) -> list[Waiting]:
        return await asyncio.to_thread(self._across_tenants, waiting)

    def _across_tenants(self, read: Callable[[Connection[DictRow]], list[R]]) -> list[R]:
        with self._database.system() as connection:
            return read(connection)

    async def last_given(self) -> int:
        async with self._database.reading(UUID(int=0)) as connection:
            row = await (await connection.execute(_LAST_GIVEN)).fetchone()
        assert row is not None
        return int(row["last"])

    async def workers(self) -> list[WorkerRow]:
        async with self._database.reading(UUID(int=0)) as connection:
            return await workers_of(connection)


class PostgresTenantReads:
    """Implements `application.ports.reads.TenantReads`."""

    def __init__(self, database: Database, mapper: TypedMapper, tenant_id: UUID) -> None:
        self._database, self._mapper, self._tenant_id = database, mapper, tenant_id

    async def find(self, row_class: type[R], column: str, values: Collection[Any]) -> list[R]:
        found = await self._fetch(find_sql(row_class, column), {"values": list(values)})
        return [row_class(**row) for row in found]

    async def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]:
        statement, values = page_sql(row_class, where, paging)
        found = await self._fetch(statement, values)
        return page_of([row_class(**row) for row in found], paging)

    async def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        statement, values = pages_sql(row_class, column, where, paging)
        rows: dict[K, list[R]] = {key: [] for key in keys}
        for row in await self._fetch(statement, {**values, "keys": list(rows)}):
            rows[row[column]].append(row_class(**row))
        return {key: page_of(found, paging) for key, found in rows.items()}

    async def count(self, row_class: type[Any], where: Where) -> int:
        statement, values = count_sql(row_class, where)
        return int((await self._fetch(statement, values))[0]["count"])

    async def counts(
        self, row_class: type[Any], column: str, keys: Collection[K], by: str
    ) -> Mapping[K, Mapping[Any, int]]:
        counts: dict[K, dict[Any, int]] = {key: {} for key in keys}
        statement = counts_sql(row_class, column, by)
        for row in await self._fetch(statement, {"keys": list(counts)}):
            counts[row["key"]][row["value"]] = row["count"]
        return counts

    async def head(self, until: Moment = Moment()) -> int:  # noqa: B008
        values = {"position": until.position, "time": until.time, "tenant": self._tenant_id}
        found = await self._fetch(_HEAD, values)
        return int(found[0]["position"]) if found else 0

    async def now(self) -> datetime:
        found = await self._fetch("SELECT clock_timestamp() AS now", ())
        now: datetime = found[0]["now"]
        return now

    async def story(
        self, after: int, limit: int, stream: UUID | None, until: int | None = None
    ) -> list[EventRow]:
        statement = _STORY if stream is None else _STORY_OF
        values = (stream or self._tenant_id, after, until, until, limit)
        found = await self._fetch(statement, values)
        return [event_row(row) for row in found]

    async def named(self, references: Collection[str]) -> Mapping[str, EventRow]:
        parts = [reference.split("/") for reference in references]
        streams, versions = [UUID(part[0]) for part in parts], [int(part[1]) for part in parts]
        found = [event_row(row) for row in await self._fetch(_NAMED, (streams, versions))]
        return {f"{row.stream_id}/{row.version}": row for row in found}

    async def streams(
        self, streams: Collection[UUID], after: int, until: int | None, limit: int
    ) -> Sequence[RecordedEvent]:
        found = await self._fetch(_STREAMS, (list(streams), after, until, until, limit))
        return await self._typed(found)

    async def of_topics(
        self, topics: Collection[str], after: int, until: int, limit: int
    ) -> Sequence[RecordedEvent]:
        values = (self._tenant_id, after, until, list(topics), limit)
        async with self._database.reading(self._tenant_id) as connection:
            # Where the planner knows too little it sorts all that is left for every page.
            await connection.execute("SET LOCAL enable_sort = off")
            rows = await (await connection.execute(_OF_TOPICS.encode(), values)).fetchall()
        return await self._typed(rows)

    async def _typed(self, rows: list[DictRow]) -> Sequence[RecordedEvent]:
        """Giving many events their types takes long: not on the event loop."""

        def typed() -> list[RecordedEvent]:
            return [recorded_event(row, self._mapper) for row in rows]

        return typed() if len(rows) <= FEW else await asyncio.to_thread(typed)

    async def ticks(self, job_ids: Collection[UUID]) -> Mapping[UUID, Tick]:
        found = await self._fetch(_TICKS, (list(job_ids),))
        ticks = [from_json(row["tick"], Tick) for row in found]
        return {tick.job_id: tick for tick in ticks}

    async def telemetry(
        self, device_id: UUID, limit: int, before: datetime | None, kind: str | None
    ) -> list[TelemetryRow]:
        values = {"device": device_id, "limit": limit, "before": before, "kind": kind}
        found = await self._fetch(_TELEMETRY, {**values, "tenant": self._tenant_id})
        return [TelemetryRow(**row) for row in found]

    async def offers(self) -> list[frozenset[str]]:
        async with self._database.reading(self._tenant_id) as connection:
            found = await workers_of(connection)
        return [frozenset(worker.capabilities) for worker in found if not worker.silent]

    async def _fetch(
        self, statement: str | sql.Composed, values: Mapping[str, Any] | Sequence[Any]
    ) -> list[DictRow]:
        query = statement if isinstance(statement, sql.Composed) else statement.encode()
        async with self._database.reading(self._tenant_id) as connection:
            return await (await connection.execute(query, values)).fetchall()
