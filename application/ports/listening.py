"""Word from the database that something has happened. A hint, never the thing itself.

Whoever is woken reads by position, so a hint that is lost delays and loses nothing.
"""

from collections.abc import Callable
from typing import Protocol

EVENTS = "edgewise_events"
FOLLOWED = "edgewise_followed"
"""`<name> <position>`: a follower of the log has come so far. `<name>,<name> <position>`: several,
which had nothing to do there."""
TICKS = "edgewise_ticks"
ACCESS = "edgewise_access"
"""`session <session id>`: it ended. `user <user id> <tenant id>`: removed, or in another role."""

Callback = Callable[[str | None], None]
"""Called with the payload, from the listener's own thread; with None after the connection was
lost, when anything may have been missed. It must return at once."""


class Listener(Protocol):
    """One listener a process, for any number of subscribers."""

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        """Calls back at each word on a channel, until the returned function is called."""
        ...
