"""Keeping devices out of the broker."""

from collections.abc import Iterable
from typing import Protocol


class BrokerUnreachable(Exception):
    """The broker did not do it in time; asking again is safe. The message says what it did not do,
    and the remedy."""


class Broker(Protocol):
    """Every method blocks (disk and network): call it from a worker thread."""

    def keep_out(self, serials: Iterable[str]) -> None:
        """From its return on, the broker refuses connections with these certificates. All that are
        revoked and not yet expired are named at every call: what is not named is forgotten an hour
        after it was first named (two processes may name different ones at the same moment). Open
        sessions go on. Serial numbers are hexadecimal.

        Raises BrokerUnreachable when the broker was not seen to refuse them."""
        ...

    def cut_off(self, user_name: str) -> None:
        """Ends the device's session, drops what the broker holds for it, and lets its will come.
        Its next connection is let in unless its certificate is kept out: keep it out first.

        Raises BrokerUnreachable."""
        ...
