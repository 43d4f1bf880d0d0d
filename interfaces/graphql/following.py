"""Following the log: events by position, in pages, each once.

Word from the database only wakes; what there is to tell is read by position, and looked for every
5 s where no word comes. So nothing is missed and nothing told twice, and no more than a page is
held, however slowly the client takes it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from uuid import UUID

from application.ports.listening import EVENTS, Listener
from application.ports.reads import EventRow
from domain.refusal import not_found
from interfaces.graphql.context import Info
from interfaces.graphql.event import checked_after
from interfaces.graphql.paging import MOST

LOOK_AGAIN = 5.0


class Bell:
    """Wakes one waiting coroutine, from any thread; ringing twice is ringing once."""

    def __init__(self) -> None:
        self._loop, self._rung = asyncio.get_running_loop(), asyncio.Event()

    def ring(self, payload: str | None = None) -> None:
        self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self) -> None:
        """Until it rings, or until it is time to look again anyway."""
        try:
            async with asyncio.timeout(LOOK_AGAIN):
                await self._rung.wait()
        except TimeoutError:
            pass

    def hush(self) -> None:
        """Forgets the ringing: to be called before looking, so that none is lost."""
        self._rung.clear()


@contextmanager
def bell_for(listener: Listener, channel: str = EVENTS) -> Iterator[Bell]:
    bell = Bell()
    unsubscribe = listener.subscribe(channel, bell.ring)
    try:
        yield bell
    finally:
        unsubscribe()


async def start_of(info: Info, after: int | None) -> int:
    """The position to start after: the one given, or the newest event's."""
    given = checked_after(after)
    return given if after is not None else await info.context.present.reads.head()


async def appended(
    info: Info, after: int | None, stream: UUID | None
) -> AsyncGenerator[EventRow, None]:
    """Every event after a position, of one stream or of all, for as long as anyone listens."""
    reads = info.context.present.reads
    with bell_for(info.context.listener) as bell:
        position = await start_of(info, after)
        while True:
            bell.hush()
            rows = await reads.story(position, MOST, stream)
            for row in rows:
                position = row.position
                yield row
            if len(rows) < MOST:
                await bell.wait()


async def require_stream(info: Info, stream: UUID, topic: str, what: str, field: str) -> None:
    """Raises Refusal(NOT_FOUND) unless the tenant has a stream that began with this event."""
    first = await info.context.present.reads.story(0, 1, stream)
    if not first or first[0].topic != topic:
        raise not_found(what, field)
