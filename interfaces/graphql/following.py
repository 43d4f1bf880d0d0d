"""Following the log: events by position, in pages, each once.

Word from the database only wakes; what there is to tell is read by position. So nothing is missed
and nothing told twice, and no more than a page is held, however slowly the client takes it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from application.ports.reads import EventRow
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from interfaces.graphql.context import Info
from interfaces.graphql.event import checked_after
from interfaces.graphql.paging import MOST
from interfaces.graphql.tail import PAUSE_AFTER_FAILURE, Tail


async def start_of(info: Info, after: int | None) -> int:
    """The position to start after: the one given, or the newest event's. Raises
    Refusal(INVALID) for a position that was never given to an event."""
    following, context = info.context.following, info.context
    if following.resume is not None:
        start = following.resume
    elif after is None:
        start = await context.present.reads.head()
    else:
        start = checked_after(after)
        if start and start > await context.reads.last_given():
            raise invalid(
                "after",
                f"The log has no position {start} yet. Give the position of the last event that "
                "you have, or nothing to begin now.",
            )
    following.position = start
    return start


async def appended(info: Info, start: int, stream: UUID | None) -> AsyncGenerator[EventRow, None]:
    """Every event after a position, of one stream or of all, for as long as anyone listens."""
    following, position = info.context.following, start
    async with info.context.tails.of(info.context.tenant_id) as tail:
        while True:
            rows, reached = await _next(info, tail, position, stream)
            for row in rows:
                following.position = row.position
                yield row
            following.position = position = reached
            if tail.end <= position:
                if following.join:
                    following.caught_up = True
                    return
                await tail.beyond(position)


async def _next(
    info: Info, tail: Tail, position: int, stream: UUID | None
) -> tuple[Sequence[EventRow], int]:
    """The next events, and the position up to which there are no others."""
    end = tail.end
    rows = tail.after(position)
    if rows is not None:
        return [row for row in rows if stream in (None, row.stream_id)], max(end, position)
    # What the tail has seen was there before this read: a page that is not full reaches as far.
    found = await _read(info, position, stream)
    if len(found) == MOST:
        return found, found[-1].position
    return found, max(end, found[-1].position if found else position)


async def _read(info: Info, position: int, stream: UUID | None) -> Sequence[EventRow]:
    """A page from the database; while that is away, it is waited for."""
    while True:
        try:
            return await info.context.present.reads.story(position, MOST, stream)
        except Refusal as refusal:
            if refusal.code is not RefusalCode.UNAVAILABLE:
                raise
            await asyncio.sleep(PAUSE_AFTER_FAILURE)


async def require_stream(info: Info, stream: UUID, topic: str, what: str, field: str) -> None:
    """Raises Refusal(NOT_FOUND) unless the tenant has a stream that began with this event."""
    first = await info.context.present.reads.story(0, 1, stream)
    if not first or first[0].topic != topic:
        raise not_found(what, field)
