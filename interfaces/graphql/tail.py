"""The newest events of a tenant, read once a process for all who follow them.

Word from the database wakes the tail, which reads on from where it is; where no word comes it looks
every 5 s. It keeps the last 500 events: whoever is further behind reads from the database, a page
at a time, until it is near enough. So a follower that is slow costs itself time and nobody memory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from application.ports.listening import EVENTS, Listener
from application.ports.reads import EventRow, Reads, TenantReads
from interfaces.graphql.paging import MOST

LOOK_AGAIN = 5.0
PAUSE_AFTER_FAILURE = 0.5
KEPT = 500

log = logging.getLogger(__name__)


class Bell:
    """Wakes one waiting coroutine, from any thread; ringing twice is ringing once."""

    def __init__(self) -> None:
        self._loop, self._rung = asyncio.get_running_loop(), asyncio.Event()

    def ring(self, payload: str | None = None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._rung.set)
        except RuntimeError:
            pass  # the loop has ended, and nobody waits any more

    async def wait(self, seconds: float = LOOK_AGAIN) -> None:
        """Until it rings, or until it is time to look again anyway."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass

    def hush(self) -> None:
        """Forgets the ringing: to be called before looking, so that none is lost."""
        self._rung.clear()


class Tail:
    """The events after `start` up to `end`, all of them; followers wait for `end` to move."""

    def __init__(self, reads: TenantReads, listener: Listener, tenant_id: UUID) -> None:
        self._reads, self._tenant = reads, str(tenant_id)
        self._rows: deque[EventRow] = deque()
        self._opened, self._moved = asyncio.Event(), asyncio.Event()
        self.start = self.end = 0
        self.followers = 0
        self._bells: dict[UUID, list[Bell]] = {}
        self._bell = Bell()
        self._unsubscribe = listener.subscribe(EVENTS, self._heard)
        self._task = asyncio.create_task(self._run())

    def close(self) -> None:
        self._unsubscribe()
        self._task.cancel()

    async def opened(self) -> None:
        """Returns when the tail knows where it begins."""
        await self._opened.wait()

    def after(self, position: int) -> Sequence[EventRow] | None:
        """The events after a position, oldest first; None where they are kept no more."""
        if position < self.start:
            return None
        found: list[EventRow] = []
        for row in reversed(self._rows):
            if row.position <= position:
                break
            found.append(row)
        return found[::-1]

    @contextmanager
    def bell_of(self, stream: UUID) -> Iterator[Bell]:
        """A bell that rings at each event of one stream."""
        bell = Bell()
        self._bells.setdefault(stream, []).append(bell)
        try:
            yield bell
        finally:
            self._bells[stream].remove(bell)
            if not self._bells[stream]:
                del self._bells[stream]

    async def beyond(self, position: int) -> None:
        """Returns when the tail has gone beyond a position."""
        while self.end <= position:
            await self._moved.wait()

    def _heard(self, payload: str | None) -> None:
        """Word of another tenant, or of what was read already, wakes nobody."""
        tenant, _, position = (payload or "").partition(" ")
        if tenant and (tenant != self._tenant or _number(position) <= self.end):
            return
        self._bell.ring()

    async def _run(self) -> None:
        while True:
            self._bell.hush()
            pause = LOOK_AGAIN
            try:
                await self._look()
            except Exception as error:  # the database is away: it is tried until it is back
                log.warning("the tail of tenant %s waits for the database: %s", self._tenant, error)
                pause = PAUSE_AFTER_FAILURE
            await self._bell.wait(pause)

    async def _look(self) -> None:
        if not self._opened.is_set():
            self.start = self.end = await self._reads.head()
            self._opened.set()
        while await self._read_on():
            pass

    async def _read_on(self) -> bool:
        """Whether there may be more right away."""
        rows = await self._reads.story(self.end, MOST, None)
        if rows:
            self._rows.extend(rows)
            self.end = rows[-1].position
            while len(self._rows) > KEPT:
                self.start = self._rows.popleft().position
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            for bell in [bell for row in rows for bell in self._bells.get(row.stream_id, ())]:
                bell.ring()
        return len(rows) == MOST


class Tails:
    """One tail a tenant, for as long as anybody follows it."""

    def __init__(self, reads: Reads, listener: Listener) -> None:
        self._reads, self._listener = reads, listener
        self._open: dict[UUID, Tail] = {}

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Tail]:
        """The tenant's tail."""
        tail = self._open.get(tenant_id)
        if tail is None:
            tail = Tail(self._reads.within(tenant_id), self._listener, tenant_id)
            self._open[tenant_id] = tail
        tail.followers += 1
        try:
            await tail.opened()
            yield tail
        finally:
            tail.followers -= 1
            if not tail.followers:
                del self._open[tenant_id]
                tail.close()


def _number(text: str) -> int:
    """A position; one that cannot be read counts as news."""
    return int(text) if text.isdigit() else 2**63
