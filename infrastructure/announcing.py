"""A worker says what it offers every few seconds, for as long as it lives."""

from collections.abc import Callable, Mapping
from socket import gethostname
from typing import Any

from application.jobs.capability import Words
from application.ports.workers import ANNOUNCED_EVERY, Announcement, Workers
from infrastructure.looping import Looping


class Announcing(Looping):
    """A thread. `facts` is asked once, in the thread: finding out may take a second."""

    def __init__(
        self,
        workers: Workers,
        id: str,
        offers: Callable[[], Words],
        facts: Callable[[], dict[str, Any]],
    ) -> None:
        super().__init__("announcing", self.step, ANNOUNCED_EVERY.total_seconds())
        self._workers, self._id = workers, id
        self._offers, self._find_facts = offers, facts
        self._facts: Mapping[str, Any] | None = None

    def step(self) -> bool:
        """The first word is said before the facts are known: jobs may be waiting for it."""
        words, facts = tuple(sorted(self._offers())), self._facts
        self._workers.announce(Announcement(self._id, gethostname(), words, facts or {}))
        if facts is None:
            self._facts = self._find_facts()
        return facts is None

    def close(self) -> None:
        super().close()
        self._workers.withdraw(self._id)
