"""The story of an object, or of the whole tenant: events by position, oldest first."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.ports.reads import EventRow
from domain.refusal import invalid, not_found
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.node import bare_id, parsed_any_id
from interfaces.graphql.paging import checked_count
from interfaces.graphql.reading import Moment, moment_of
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="Something that happened. `data` is the event's own JSON.")
class Event:
    position: BigInt
    stream_id: strawberry.ID
    version: int
    topic: str
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    causation_id: str
    correlation_id: str
    data: JSON

    @classmethod
    def of(cls, row: EventRow) -> "Event":
        return cls(
            position=BigInt(row.position),
            stream_id=bare_id(row.stream_id),
            version=row.version,
            topic=row.topic,
            recorded_at=row.recorded_at,
            occurred_at=row.occurred_at,
            actor=row.actor,
            causation_id=row.causation_id,
            correlation_id=row.correlation_id,
            data=JSON(row.data),
        )


@strawberry.type(description="`endPosition` is where to go on: give it as `after`.")
class EventPage:
    nodes: list[Event]
    end_position: BigInt
    has_next_page: bool


async def event_page(
    info: Info, first: int, after: int | None, stream: UUID | None, until: int | None = None
) -> EventPage:
    """The next events of a stream or of the tenant, up to a position."""
    count, start = checked_count("first", first), checked_after(after)
    rows = await info.context.present.reads.story(start, count + 1, stream, until)
    shown = rows[:count]
    return EventPage(
        nodes=[Event.of(row) for row in shown],
        end_position=BigInt(shown[-1].position if shown else start),
        has_next_page=len(rows) > count,
    )


def checked_after(after: int | None) -> int:
    """A position to start after; 0 for None."""
    if after is not None and after < 0:
        raise invalid("after", "A position is 0 or more.")
    return after or 0


async def checked_stream(info: Info, of: str, until: int | None = None) -> UUID:
    """The stream of an object of this tenant. Raises Refusal(NOT_FOUND) where there is none."""
    _, stream = parsed_any_id(of, "of")
    if not await info.context.present.reads.story(0, 1, stream, until):
        raise not_found("object", "of")
    return stream


@strawberry.type
class EventQuery:
    @field("The story of an object (`of`) or of everything.")
    async def events(
        self,
        info: Info,
        first: int,
        after: BigInt | None = None,
        of: strawberry.ID | None = None,
        as_of: Moment | None = None,
    ) -> EventPage:
        until = await moment_of(info, as_of)
        stream = None if of is None else await checked_stream(info, of, until)
        return await event_page(info, first, after, stream, until)
