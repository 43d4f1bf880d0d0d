"""Reading rows and events, in the order of their positions and inside one tenant.

Lists are newest first, in pages by position, so a page stays right while rows are added. Deleted
things are not there. Nothing here reads a row at a time: whoever needs rows for many parents asks
once, with `find` or `pages`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from application.ports.event_log import Moment, RecordedEvent
from application.ports.leases import Tick
from application.ports.projections import Standing, Waiting
from application.ports.telemetry import TelemetryReads
from application.ports.workers import WorkerReads

R = TypeVar("R")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Where:
    """Columns that must equal a value (None: must be null); that must contain a text, whatever
    its case; JSON objects that must have all of these members, whose values are texts; columns
    that must not be null; and times that must be after a moment, or not after it."""

    equal: tuple[tuple[str, Any], ...] = ()
    containing: tuple[tuple[str, str], ...] = ()
    having: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    filled: tuple[str, ...] = ()
    after: tuple[tuple[str, datetime], ...] = ()
    not_after: tuple[tuple[str, datetime], ...] = ()


EVERYTHING = Where()


@dataclass(frozen=True, slots=True)
class Paging:
    """`count` rows of those after (older than) one position and before (newer than) another;
    the last ones of those when `backward`."""

    count: int
    backward: bool = False
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows, newest first, and whether there are more on either side."""

    rows: tuple[R, ...]
    has_next: bool = False
    has_previous: bool = False


def page_of(found: Sequence[R], paging: Paging) -> Page[R]:
    """The page, from rows that were read in its direction, with one more than it has."""
    more = len(found) > paging.count
    rows = tuple(found[: paging.count])
    if paging.backward:
        return Page(rows[::-1], has_next=paging.before is not None, has_previous=more)
    return Page(rows, has_next=more, has_previous=paging.after is not None)


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it was stored: `data` is its own JSON, without what all events carry."""

    position: int
    stream_id: UUID
    version: int
    topic: str
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    causation_id: str
    correlation_id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FollowerRow:
    """How far a view or policy has followed the log, and what stopped it."""

    name: str
    position: int
    stopped_position: int | None
    stopped_topic: str | None
    stopped_error: str | None
    stopped_since: datetime | None


class Rows(Protocol):
    """The rows of views, by their row class."""

    async def find(self, row_class: type[R], column: str, values: Collection[Any]) -> list[R]:
        """All rows whose column has one of the values, in no order."""
        ...

    async def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]: ...

    async def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        """The same page for each of many parents: one for every key."""
        ...

    async def count(self, row_class: type[Any], where: Where) -> int: ...

    async def counts(
        self, row_class: type[Any], column: str, keys: Collection[K], by: str
    ) -> Mapping[K, Mapping[Any, int]]:
        """How many rows of each of many parents have which value in the column `by`: one mapping
        for every key, without the values that no row has."""
        ...


class Events(Protocol):
    """The tenant's log."""

    async def head(self, until: Moment = Moment()) -> int:  # noqa: B008
        """The position of the tenant's newest event up to a moment, 0 when there is none."""
        ...

    async def now(self) -> datetime:
        """The database's clock, by which events are recorded."""
        ...

    async def story(
        self, after: int, limit: int, stream: UUID | None, until: int | None = None
    ) -> list[EventRow]:
        """The next events after a position, of one stream or of all, oldest first."""
        ...

    async def named(self, references: Collection[str]) -> Mapping[str, EventRow]:
        """Events by their reference, `<stream>/<version>`; unknown ones are left out."""
        ...


class TypedEvents(Protocol):
    """The tenant's log as the domain knows it: for folding."""

    async def streams(
        self, streams: Collection[UUID], after: int, until: int | None, limit: int
    ) -> Sequence[RecordedEvent]:
        """The next typed events of some streams after a position, oldest first."""
        ...

    async def of_topics(
        self, topics: Collection[str], after: int, until: int, limit: int
    ) -> Sequence[RecordedEvent]:
        """The tenant's next typed events of some topics, oldest first."""
        ...


class TenantReads(Rows, Events, TypedEvents, TelemetryReads, Protocol):
    """Everything that can be read in one tenant."""

    async def ticks(self, job_ids: Collection[UUID]) -> Mapping[UUID, Tick]:
        """The last tick of each job that a worker holds now."""
        ...

    async def offers(self) -> list[frozenset[str]]:
        """What each living worker offers, in words of `application.jobs.capability`."""
        ...


class Followers(Protocol):
    """The positions of the views and policies."""

    async def followers(self) -> list[FollowerRow]: ...

    async def standing(self) -> list[Standing]:
        """The same with how far behind each is, across all tenants: for the operator."""
        ...

    async def outbox(self) -> list[Waiting]:
        """What waits to be handed over, across all tenants: for the operator."""
        ...

    async def last_given(self) -> int:
        """The highest position that was ever given to an event, of any tenant."""
        ...


class Reads(Followers, WorkerReads, Protocol):
    """The way into a tenant's rows."""

    def within(self, tenant_id: UUID) -> TenantReads: ...
