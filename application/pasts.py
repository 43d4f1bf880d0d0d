"""All of a tenant's things as they were: its log folded up to a position, view by view.

A view is folded from its own topics alone, in chunks and off the event loop, at most two folds at
a time. What was folded is kept, least recently used first to go, within a bound of memory; a later
position goes on from the nearest earlier one. Kept tables are never changed: going on copies them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from application.as_of import EVENTS_AT_ONCE
from application.ports.reads import Page, Paging, TypedEvents, Where
from application.views.memory_rows import MemoryRows
from application.views.memory_tables import MemoryTables
from application.views.row_tables import view_of
from application.views.view import View
from domain.refusal import Refusal, RefusalCode

R = TypeVar("R")
K = TypeVar("K")
T = TypeVar("T")

MOST_BYTES = 256 * 2**20
MOST_KEPT = 64
FOLDS_AT_ONCE = 2
MOST_WAITING = 32

_Place = tuple[UUID, str]


class Pasts:
    """The folded pasts of one process. `most_bytes` bounds what is kept, and any one past."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_kept: int = MOST_KEPT) -> None:
        self._most_bytes, self._most_kept = most_bytes, most_kept
        self._kept: OrderedDict[tuple[UUID, str, int], MemoryTables] = OrderedDict()
        self._turn = asyncio.Semaphore(FOLDS_AT_ONCE)
        self._waiting = 0
        self._one_at_a_time: WeakValueDictionary[_Place, asyncio.Lock] = WeakValueDictionary()

    async def tables(
        self, reads: TypedEvents, tenant_id: UUID, view: View, until: int
    ) -> MemoryTables:
        """The tables of a view at a position; not to be changed. Raises Refusal(TOO_LARGE), or
        Refusal(UNAVAILABLE) where too many wait for theirs."""
        found = self._take(tenant_id, view, until)
        if found is not None:
            return found
        lock = self._one_at_a_time.setdefault((tenant_id, view.name), asyncio.Lock())
        async with self._queued(), lock:
            # Whoever was before us may have folded just this.
            found = self._take(tenant_id, view, until)
            if found is not None:
                return found
            async with self._turn:
                start, nearest = self._nearest(tenant_id, view, until)
                tables = await self._folded(reads, view, nearest, start, until)
                self._keep((tenant_id, view.name, until), tables)
                return tables

    def _take(self, tenant_id: UUID, view: View, until: int) -> MemoryTables | None:
        key = (tenant_id, view.name, until)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _nearest(self, tenant_id: UUID, view: View, until: int) -> tuple[int, MemoryTables | None]:
        earlier = [
            key for key in self._kept if key[:2] == (tenant_id, view.name) and key[2] <= until
        ]
        if not earlier:
            return 0, None
        nearest = max(earlier, key=lambda key: key[2])
        return nearest[2], self._kept[nearest]

    async def _folded(
        self, reads: TypedEvents, view: View, start: MemoryTables | None, after: int, until: int
    ) -> MemoryTables:
        tables = MemoryTables(view) if start is None else await asyncio.to_thread(start.copy)
        while True:
            events = await reads.of_topics(view.topics, after, until, EVENTS_AT_ONCE)
            await asyncio.to_thread(tables.fold, events)
            if tables.weight > self._most_bytes:
                raise Refusal(
                    RefusalCode.TOO_LARGE,
                    f"The past of {view.name} takes more than {self._most_bytes >> 20} MiB. "
                    "Ask for one object as it was, by its id.",
                    "asOf",
                )
            if len(events) < EVENTS_AT_ONCE:
                return tables
            after = events[-1].position

    def _keep(self, key: tuple[UUID, str, int], tables: MemoryTables) -> None:
        self._kept[key] = tables
        while len(self._kept) > self._most_kept or self.weight > self._most_bytes:
            self._kept.popitem(last=False)

    @property
    def weight(self) -> int:
        """About how many bytes are kept."""
        return sum(tables.weight for tables in self._kept.values())

    @asynccontextmanager
    async def _queued(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise Refusal(
                RefusalCode.UNAVAILABLE,
                "Too many ask for the past at once. Ask again in a moment.",
                "asOf",
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


class TenantPast:
    """Implements `application.ports.reads.Rows` for all of a tenant's things at a position."""

    def __init__(self, pasts: Pasts, reads: TypedEvents, tenant_id: UUID, until: int) -> None:
        self._pasts, self._reads = pasts, reads
        self._tenant_id, self._until = tenant_id, until

    async def find(self, row_class: type[R], column: str, values: Collection[Any]) -> list[R]:
        return await self._ask(row_class, lambda rows: rows.find(row_class, column, values))

    async def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]:
        return await self._ask(row_class, lambda rows: rows.page(row_class, where, paging))

    async def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        return await self._ask(
            row_class, lambda rows: rows.pages(row_class, column, keys, where, paging)
        )

    async def count(self, row_class: type[Any], where: Where) -> int:
        return await self._ask(row_class, lambda rows: rows.count(row_class, where))

    async def counts(
        self, row_class: type[Any], column: str, keys: Collection[K], by: str
    ) -> Mapping[K, Mapping[Any, int]]:
        return await self._ask(row_class, lambda rows: rows.counts(row_class, column, keys, by))

    async def _ask(self, row_class: type[Any], question: Callable[[MemoryRows], T]) -> T:
        """In a thread: sorting and searching many rows takes long, too."""
        view = view_of(row_class)
        tables = await self._pasts.tables(self._reads, self._tenant_id, view, self._until)
        return await asyncio.to_thread(question, MemoryRows(tables))
