"""Reading one's own writes: waiting until the views that a query reads have reached a position.

Each view says how far it has come when it moves on; where no word arrives, the followers' own rows
are read every 50 ms. After 5 s the answer is PROJECTION_LAGGING.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from application.ports.listening import FOLLOWED, Listener
from application.ports.reads import Followers
from domain.refusal import Refusal, RefusalCode, invalid

LONGEST_WAIT = 5.0
LOOK_AGAIN = 0.05


@dataclass(frozen=True)
class Waiter:
    """`longest` is in seconds."""

    followers: Followers
    listener: Listener
    longest: float = LONGEST_WAIT

    async def wait_for(self, position: int, views: Collection[str]) -> None:
        """Returns when all these views have reached the position. Raises Refusal(INVALID) for a
        position that was never given, Refusal(PROJECTION_LAGGING) after the longest wait."""
        if position < 0 or position > await self.followers.last_given():
            raise invalid(
                "waitFor",
                f"The log has no position {position} yet. Give the eventPosition of a mutation.",
            )
        await self.reached(position, views)

    async def reached(self, position: int, views: Collection[str]) -> None:
        """The same, for a position that is known to have been given."""
        progress = _Progress(position, set(views), asyncio.get_running_loop())
        unsubscribe = self.listener.subscribe(FOLLOWED, progress.heard)
        try:
            async with asyncio.timeout(self.longest):
                while not progress.done.is_set():
                    for row in await self.followers.followers():
                        progress.note(row.name, row.position)
                    await progress.within(LOOK_AGAIN)
        except TimeoutError:
            raise Refusal(
                RefusalCode.PROJECTION_LAGGING,
                f"Reads have not reached position {position} within {self.longest:g} s "
                f"({', '.join(sorted(progress.behind))}). Ask again in a moment.",
                "waitFor",
            ) from None
        finally:
            unsubscribe()


@dataclass
class _Progress:
    """Which views are still behind a position. `heard` runs in the listener's thread."""

    position: int
    behind: set[str]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, payload: str | None) -> None:
        names, _, position = (payload or "").rpartition(" ")
        if position.isdigit():
            for name in names.split(","):
                self.loop.call_soon_threadsafe(self.note, name, int(position))

    def note(self, name: str, position: int) -> None:
        if position >= self.position:
            self.behind.discard(name)
        if not self.behind:
            self.done.set()

    async def within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.done.wait()
        except TimeoutError:
            pass
