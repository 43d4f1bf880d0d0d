"""One follower of the log, as a thread: it keeps one handling up with the log, step by step.

Any number of processes may run the same follower: one works, and when it dies another goes on at
once (see advance.py). An event that cannot be handled stops the follower there, with the reason in
its row; it tries again every second and goes on after a fix. It never skips.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from eventsourcing.persistence import Mapper

from infrastructure.following.advance import Handling, Stopped, advance
from infrastructure.looping import Looping
from infrastructure.postgres.database import Database

FOLLOWED_CHANNEL = "edgewise_followed"

log = logging.getLogger(__name__)

_STOP = """
UPDATE followers SET stopped_position = %s, stopped_topic = %s, stopped_error = %s,
    stopped_since = coalesce(stopped_since, now()) WHERE name = %s
"""


class Follower(Looping):
    """A thread that keeps one handling up with the log."""

    def __init__(
        self,
        database: Database,
        handling: Handling,
        mapper: Mapper[UUID],
        look_again: float = 1.0,
    ) -> None:
        super().__init__(f"follower {handling.name}", self.step, look_again)
        self._database, self._handling, self._mapper = database, handling, mapper
        self._told_of: int | None = None

    @property
    def name(self) -> str:
        return self._handling.name

    @property
    def topics(self) -> Sequence[str]:
        return self._handling.topics

    def step(self) -> bool:
        """Handles the next batch; returns whether there may be more right away."""
        try:
            return self._advance(self._handling.at_once)
        except Stopped:
            return self._one_by_one()

    def _one_by_one(self) -> bool:
        """Up to the very event that stops it."""
        try:
            return all(self._advance(1) for _ in range(self._handling.at_once))
        except Stopped as stopped:
            self._stop(stopped)
            return False

    def _advance(self, size: int) -> bool:
        name = self._handling.name
        with self._database.system() as connection:
            step = advance(connection, self._handling, self._mapper, size, channel=FOLLOWED_CHANNEL)
            if step is None:
                connection.execute(
                    "INSERT INTO followers (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,)
                )
                return False
        return step.more

    def _stop(self, stopped: Stopped) -> None:
        row, name = stopped.row, self._handling.name
        if self._told_of != row["position"]:
            log.error("%s stopped at %s (%s): %s", name, row["position"], row["topic"], stopped)
            self._told_of = row["position"]
        with self._database.system() as connection:
            values = (row["position"], row["topic"], str(stopped)[:2000], name)
            connection.execute(_STOP, values)
