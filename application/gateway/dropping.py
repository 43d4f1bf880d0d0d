"""Messages that are dropped: counted by reason, and logged once for each sender and reason."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

REMEMBERED = 10_000

log = logging.getLogger(__name__)


class Dropped(Exception):
    """The message is well-formed, and its sender may not send it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Drops:
    """`counted` is told each reason."""

    def __init__(self, counted: Callable[[str], None]) -> None:
        self._counted, self._turn = counted, threading.Lock()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def count(self, reason: str, sender: str, details: str = "") -> None:
        self._counted(reason)
        with self._turn:
            known = (reason, sender) in self._told
            self._told[reason, sender] = None
            self._told.move_to_end((reason, sender))
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        if not known:
            log.warning("dropped a message of %s: %s %s", sender[:200], reason, details[:200])
