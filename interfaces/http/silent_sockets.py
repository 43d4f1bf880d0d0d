"""Sockets that were opened and have not said `connection_init`: few may wait, the oldest go first.

An honest client speaks at once, so the newcomer is let in and whoever has been silent longest is
closed: a flood from one address costs others nothing, and one from many addresses does not lock
the door.
"""

from collections.abc import Awaitable, Callable

MOST, MOST_OF_ADDRESS = 2_000, 500

Close = Callable[[], Awaitable[None]]


class SilentSockets:
    """The silent sockets of this process, oldest first."""

    def __init__(self, most: int = MOST, most_of_address: int = MOST_OF_ADDRESS) -> None:
        self._most, self._most_of_address = most, most_of_address
        self._waiting: dict[object, tuple[str, Close]] = {}
        self._of_address: dict[str, dict[object, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def add(self, socket: object, address: str, close: Close) -> None:
        """Lets it in, and closes another where there are too many."""
        self._waiting[socket] = (address, close)
        neighbors = self._of_address.setdefault(address, {})
        neighbors[socket] = None
        if len(neighbors) > self._most_of_address:
            await self._drop(next(iter(neighbors)))
        elif len(self._waiting) > self._most:
            await self._drop(next(iter(self._waiting)))

    def remove(self, socket: object) -> None:
        """It has spoken, or is gone."""
        address, _ = self._waiting.pop(socket, ("", None))
        neighbors = self._of_address.get(address, {})
        neighbors.pop(socket, None)
        if not neighbors:
            self._of_address.pop(address, None)

    async def _drop(self, socket: object) -> None:
        _, close = self._waiting[socket]
        self.remove(socket)
        await close()
