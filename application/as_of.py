"""An object as it was: its stream folded up to a moment, through the same views as the live tables.

The past answers the same questions as the present (`ports.reads.Rows`), so a client sees the same
types. What belongs to other streams, a model's jobs and measurements, is folded from those. Lists
of all of a tenant's things are in `application.pasts`.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from application.ports.event_log import Moment
from application.ports.reads import Followers, Page, Paging, TenantReads, Where
from application.views.benchmark import BenchmarkRow, benchmarks
from application.views.dataset import datasets
from application.views.device import DeviceRow, devices
from application.views.device_certificate import device_certificates
from application.views.device_claim import device_claims
from application.views.device_command import device_commands
from application.views.device_profile import DeviceProfileRow, device_profiles
from application.views.job import JobRow, jobs
from application.views.memory_rows import MemoryRows
from application.views.memory_tables import MemoryTables
from application.views.model import models
from application.views.rollout import RolloutRow, rollouts
from application.views.tenant import tenants
from application.views.update import UpdateRow, updates
from domain.naming import Name
from domain.refusal import invalid

R = TypeVar("R")
K = TypeVar("K")

EVENTS_AT_ONCE = 500
CLOCKS_DIFFER = timedelta(minutes=1)
"""A client's clock may be ahead of the database's: “now” is no future."""
_VIEWS = (
    tenants,
    models,
    datasets,
    device_profiles,
    devices,
    device_certificates,
    device_commands,
    device_claims,
    jobs,
    benchmarks,
    rollouts,
    updates,
)


_BY_THEIR_OWN = (DeviceRow, DeviceProfileRow, RolloutRow, UpdateRow)


def checked_moment(moment: Moment, field: str = "asOf") -> Moment:
    """Raises Refusal(INVALID) naming the field unless exactly one of position and time is given."""
    if (moment.position is None) == (moment.time is None):
        raise invalid(field, "Give either a position or a time.")
    if moment.position is not None and moment.position < 0:
        raise invalid(field, "A position is 0 or more.")
    if moment.time is not None and moment.time.tzinfo is None:
        raise invalid(field, "Give the time with its offset, such as 2026-11-21T10:00:00Z.")
    return moment


async def position_of(
    reads: TenantReads, followers: Followers, moment: Moment, field: str = "asOf"
) -> int:
    """The tenant's newest position at a moment; 0 before its first event. Raises
    Refusal(INVALID) naming the field for a moment that cannot be or has not come yet."""
    checked_moment(moment, field)
    if moment.position is not None and moment.position > await followers.last_given():
        raise invalid(
            field,
            f"The log has no position {moment.position} yet. Give one that an event has.",
        )
    if moment.time is not None and moment.time > (now := await reads.now()) + CLOCKS_DIFFER:
        raise invalid(field, f"This time has not come yet: it is {now:%Y-%m-%dT%H:%M:%SZ} here.")
    return await reads.head(moment)


async def past_of(reads: TenantReads, stream: UUID, until: int) -> "Past":
    """The past of one object and of what hangs on it."""
    past = Past(reads, until)
    await past.fold([stream])
    return past


async def holder_of(
    reads: TenantReads, tenant_id: UUID, kind: str, name: str, until: int
) -> UUID | None:
    """The id of what had a name at a position, without regard to case."""
    stream, holder, after = Name.id_of(tenant_id, kind, name), None, 0
    while events := await reads.streams([stream], after, until, EVENTS_AT_ONCE):
        for recorded in events:
            holder = getattr(recorded.event, "holder", None)
            after = recorded.position
    return holder


class Past:
    """Implements `application.ports.reads.Rows` up to the position `until`."""

    def __init__(self, reads: TenantReads, until: int, *, with_deleted: bool = False) -> None:
        self._reads, self._until = reads, until
        self._tables = MemoryTables(*_VIEWS)
        self._rows = MemoryRows(self._tables, with_deleted=with_deleted)
        self._folded: set[UUID] = set()
        self._one_at_a_time = asyncio.Lock()

    async def fold(self, streams: Collection[UUID]) -> None:
        """Adds streams that were not added before."""
        # One after the other: what another question is folding just now is not there yet.
        async with self._one_at_a_time:
            wanted = [stream for stream in streams if stream not in self._folded]
            await self._read(wanted, after=0)
            self._folded.update(wanted)

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
        return self._rows.find(row_class, column, values)

    async def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]:
        for column, value in where.equal:
            await self._fold_others(row_class, column, [value])
        return self._rows.page(row_class, where, paging)

    async def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        await self._fold_others(row_class, column, keys)
        return self._rows.pages(row_class, column, keys, where, paging)

    async def count(self, row_class: type[Any], where: Where) -> int:
        return self._rows.count(row_class, where)

    async def counts(
        self, row_class: type[Any], column: str, keys: Collection[K], by: str
    ) -> Mapping[K, Mapping[Any, int]]:
        await self._fold_others(row_class, column, keys)
        return self._rows.counts(row_class, column, keys, by)

    async def _fold_others(
        self, row_class: type[Any], column: str, values: Collection[Any]
    ) -> None:
        """A model's jobs are found by the live table, which keeps every job, and then folded; so
        are a rollout's updates, and a device's."""
        if row_class is BenchmarkRow and column == "artifact_id":
            found = await self._reads.find(BenchmarkRow, column, values)
            await self.fold({row.job_id for row in found if row.position <= self._until})
        elif row_class in _BY_THEIR_OWN and column == "id":
            await self.fold(values)
        elif row_class is UpdateRow and column in ("rollout_id", "device_id"):
            queued = await self._reads.find(UpdateRow, column, values)
            await self.fold({row.id for row in queued if row.position <= self._until})
        elif row_class is JobRow and column in ("model_id", "id"):
            known = await self._reads.find(JobRow, column, values)
            await self.fold({row.id for row in known if row.position <= self._until})
