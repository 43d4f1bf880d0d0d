"""Look-ups that are asked for one by one and made together: one query for all of a level.

Nothing is kept between batches: a WebSocket lives long, and what was read an hour ago is not true.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from application.jobs.capability import missing
from application.ports.leases import Tick
from application.ports.reads import EVERYTHING, EventRow, Page, Paging, Rows, TenantReads, Where

R = TypeVar("R")

_Find = tuple[type[Any], str, Any]
_Counted = tuple[type[Any], str, str]
_Part = tuple[type[Any], str, Where, Paging]


class Batched:
    """Rows of the present or, up to the position `until`, of the past, for resolvers."""

    def __init__(self, rows: Rows, until: int | None = None) -> None:
        self.rows, self.until = rows, until
        self._find: DataLoader[_Find, Any] = DataLoader(self._find_all, cache=False)
        self._pages: DataLoader[tuple[_Part, Any], Page[Any]] = DataLoader(
            self._page_all, cache=False
        )
        self._counts: DataLoader[tuple[_Counted, Any], Mapping[Any, int]] = DataLoader(
            self._count_all, cache=False
        )

    async def one(self, row_class: type[R], id: UUID, column: str = "id") -> R | None:
        """The row with this value in a column that is unique."""
        found: R | None = await self._find.load((row_class, column, id))
        return found

    async def page_of(
        self,
        row_class: type[R],
        column: str,
        parent: UUID,
        paging: Paging,
        where: Where = EVERYTHING,
    ) -> Page[R]:
        """A page of the rows that belong to a parent."""
        return await self._pages.load(((row_class, column, where, paging), parent))

    async def counts_of(
        self, row_class: type[Any], column: str, parent: UUID, by: str
    ) -> Mapping[Any, int]:
        """How many of the rows that belong to a parent have which value in the column `by`."""
        return await self._counts.load(((row_class, column, by), parent))

    async def _find_all(self, asked: list[_Find]) -> list[Any]:
        async def fetch(part: tuple[type[Any], str], values: list[Any]) -> Mapping[Any, Any]:
            found = await self.rows.find(part[0], part[1], values)
            return {getattr(row, part[1]): row for row in found}

        return await _grouped([((c, column), value) for c, column, value in asked], fetch)

    async def _count_all(self, asked: list[tuple[_Counted, Any]]) -> list[Mapping[Any, int]]:
        async def fetch(part: _Counted, keys: list[Any]) -> Mapping[Any, Any]:
            row_class, column, by = part
            return await self.rows.counts(row_class, column, keys, by)

        return await _grouped(asked, fetch)

    async def _page_all(self, asked: list[tuple[_Part, Any]]) -> list[Page[Any]]:
        async def fetch(part: _Part, keys: list[Any]) -> Mapping[Any, Any]:
            row_class, column, where, paging = part
            return await self.rows.pages(row_class, column, keys, where, paging)

        return await _grouped(asked, fetch)


class Present(Batched):
    """The tenant's rows as they are, with its events and the ticks of running jobs."""

    def __init__(self, reads: TenantReads) -> None:
        super().__init__(reads)
        self.reads = reads
        self._named: DataLoader[str, EventRow | None] = DataLoader(self._name_all, cache=False)
        self._ticks: DataLoader[UUID, Tick | None] = DataLoader(self._tick_all, cache=False)
        self._missing: DataLoader[frozenset[str], list[str]] = DataLoader(
            self._missing_all, cache=False
        )

    async def event(self, reference: str) -> EventRow | None:
        return await self._named.load(reference)

    async def tick(self, job_id: UUID) -> Tick | None:
        return await self._ticks.load(job_id)

    async def missing(self, needed: frozenset[str]) -> list[str]:
        """What no living worker offers of it."""
        return await self._missing.load(needed)

    async def _missing_all(self, needed: list[frozenset[str]]) -> list[list[str]]:
        offers = await self.reads.offers()
        return [missing(words, offers) for words in needed]

    async def _name_all(self, references: list[str]) -> list[EventRow | None]:
        found = await self.reads.named(set(references))
        return [found.get(reference) for reference in references]

    async def _tick_all(self, job_ids: list[UUID]) -> list[Tick | None]:
        found = await self.reads.ticks(set(job_ids))
        return [found.get(job_id) for job_id in job_ids]


P = TypeVar("P", bound=Hashable)


async def _grouped(
    asked: list[tuple[P, Any]],
    fetch: Callable[[P, list[Any]], Awaitable[Mapping[Any, Any]]],
) -> list[Any]:
    """What was asked for, in order, with one fetch for each distinct part."""
    parts: dict[P, dict[Any, None]] = {}
    for part, key in asked:
        parts.setdefault(part, {})[key] = None
    found = {part: await fetch(part, list(keys)) for part, keys in parts.items()}
    return [found[part].get(key) for part, key in asked]
