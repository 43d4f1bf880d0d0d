"""An object as it was: its stream folded up to a moment, through the same views as the live tables.

The past answers the same questions as the present (`ports.reads.Rows`), so a client sees the same
types. What belongs to other streams, a model's jobs and measurements, is folded from those.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar
from uuid import UUID

from application.ports.event_log import Moment
from application.ports.reads import Page, Paging, TenantReads, Where
from application.views.benchmark import BenchmarkRow, benchmarks
from application.views.dataset import DatasetRow, DatasetVersionRow, datasets
from application.views.device_profile import DeviceProfileRow, device_profiles
from application.views.job import JobRow, jobs
from application.views.memory_tables import MemoryTables
from application.views.model import AliasRow, ArtifactRow, ModelRow, models
from domain.model import ModelStatus
from domain.refusal import invalid

R = TypeVar("R")
K = TypeVar("K")

EVENTS_AT_ONCE = 500
_VIEWS = (models, datasets, device_profiles, jobs, benchmarks)
_TABLES: dict[type[Any], str] = {
    ModelRow: "models",
    ArtifactRow: "artifacts",
    AliasRow: "model_aliases",
    DatasetRow: "datasets",
    DatasetVersionRow: "dataset_versions",
    DeviceProfileRow: "device_profiles",
    JobRow: "jobs",
    BenchmarkRow: "benchmarks",
}


def checked_moment(moment: Moment) -> Moment:
    """Raises Refusal(INVALID) unless exactly one of position and time is given."""
    if (moment.position is None) == (moment.time is None):
        raise invalid("asOf", "Give either a position or a time.")
    if moment.position is not None and moment.position < 0:
        raise invalid("asOf", "A position is 0 or more.")
    if moment.time is not None and moment.time.tzinfo is None:
        raise invalid("asOf", "Give the time with its offset, such as 2026-11-21T10:00:00Z.")
    return moment


async def past_of(reads: TenantReads, stream: UUID, moment: Moment) -> "Past":
    """The past of one object and of what hangs on it."""
    until = await reads.head(checked_moment(moment))
    past = Past(reads, until)
    await past.fold([stream])
    return past


class Past:
    """Implements `application.ports.reads.Rows` up to the position `until`."""

    def __init__(self, reads: TenantReads, until: int, *, with_deleted: bool = False) -> None:
        self._reads, self._until, self._with_deleted = reads, until, with_deleted
        self._tables = MemoryTables(*_VIEWS)
        self._folded: set[UUID] = set()

    async def fold(self, streams: Collection[UUID]) -> None:
        """Adds streams that were not added before."""
        wanted = [stream for stream in streams if stream not in self._folded]
        self._folded.update(wanted)
        await self._read(wanted, after=0)

    async def advance(self, streams: Collection[UUID], until: int) -> None:
        """Moves on to a later position; of streams that were added before, these go along."""
        after, self._until = self._until, until
        self._folded.intersection_update(streams)
        await self._read(streams, after)

    async def _read(self, streams: Collection[UUID], after: int) -> None:
        while streams:
            events = await self._reads.streams(streams, after, self._until, EVENTS_AT_ONCE)
            self._tables.fold(events)
            if len(events) < EVENTS_AT_ONCE:
                return
            after = events[-1].position

    async def find(self, row_class: type[R], column: str, values: Collection[Any]) -> list[R]:
        await self._fold_others(row_class, column, values)
        wanted = set(values)
        return [row for row in self._rows(row_class) if getattr(row, column) in wanted]

    async def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]:
        for column, value in where.equal:
            await self._fold_others(row_class, column, [value])
        return _page(self._rows(row_class), where, paging)

    async def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        await self._fold_others(row_class, column, keys)
        rows = self._rows(row_class)
        return {
            key: _page([row for row in rows if getattr(row, column) == key], where, paging)
            for key in keys
        }

    async def count(self, row_class: type[Any], where: Where) -> int:
        return sum(_matches(row, where) for row in self._rows(row_class))

    async def _fold_others(
        self, row_class: type[Any], column: str, values: Collection[Any]
    ) -> None:
        """A model's jobs are found by the live table, which keeps every job, and then folded."""
        if row_class is BenchmarkRow and column == "artifact_id":
            found = await self._reads.find(BenchmarkRow, column, values)
            await self.fold({row.job_id for row in found if row.position <= self._until})
        elif row_class is JobRow and column in ("model_id", "id"):
            known = await self._reads.find(JobRow, column, values)
            await self.fold({row.id for row in known if row.position <= self._until})

    def _rows(self, row_class: type[R]) -> list[R]:
        kept = []
        for columns in self._tables.rows(_TABLES[row_class]):
            row = row_class(**{name: columns[name] for name in _columns(row_class)})
            if self._with_deleted or not _deleted(row):
                kept.append(row)
        return kept


def _columns(row_class: Any) -> list[str]:
    return [field.name for field in fields(row_class)]


def _deleted(row: Any) -> bool:
    if isinstance(row, ModelRow):
        return row.status == ModelStatus.DELETED
    return isinstance(row, DatasetRow | DeviceProfileRow) and row.deleted


def _page(rows: list[R], where: Where, paging: Paging) -> Page[R]:
    inside = [
        row
        for row in rows
        if _matches(row, where)
        and (paging.after is None or _position(row) < paging.after)
        and (paging.before is None or _position(row) > paging.before)
    ]
    more = len(inside) > paging.count
    if paging.backward:
        last = Page(tuple(inside[-paging.count :]), has_previous=more)
        return replace(last, has_next=paging.before is not None)
    first = Page(tuple(inside[: paging.count]), has_next=more)
    return replace(first, has_previous=paging.after is not None)


def _matches(row: Any, where: Where) -> bool:
    return all(getattr(row, column) == value for column, value in where.equal) and all(
        text.lower() in str(getattr(row, column)).lower() for column, text in where.containing
    )


def _position(row: Any) -> int:
    return int(row.position)
