"""News for the followers of one process: those that it concerns are woken, and all others are moved
past it together, in one transaction. An event is the business of few; without this each follower
would come, look, find nothing and commit that it did.

One statement, which sees the log and the followers' rows as of one moment. It passes over the row
of a follower that is at work, here or elsewhere, and over those that are far behind: these
are woken too, and look for themselves.
"""

from collections.abc import Sequence

from psycopg import sql

from infrastructure.following.follower import FOLLOWED_CHANNEL, Follower
from infrastructure.looping import Looping
from infrastructure.postgres.database import Database

FAR_BEHIND = 1_000
"""Positions: news is not looked through further back."""

_MOVE_IDLE = """
WITH head AS MATERIALIZED (SELECT coalesce(max(position), 0) AS position FROM events),
asked AS MATERIALIZED (
    SELECT name, f.position AS position, coalesce(f.position, -1) < head.position AS behind
    FROM unnest({names}::text[]) AS all_names (name)
    CROSS JOIN head LEFT JOIN followers f USING (name)
),
news AS MATERIALIZED (
    SELECT topic, max(position) AS position FROM events
    WHERE position > greatest((SELECT min(position) FROM asked),
                              (SELECT position - {far} FROM head))
      AND position <= (SELECT position FROM head)
    GROUP BY topic
),
idle AS MATERIALIZED (
    SELECT f.name FROM followers f, head
    WHERE f.name = ANY({names}) AND f.position < head.position
      AND f.position >= head.position - {far}
      AND NOT EXISTS (
        SELECT 1 FROM unnest({owners}::text[], {topics}::text[]) AS wanted (name, topic)
        JOIN news USING (topic) WHERE wanted.name = f.name AND news.position > f.position)
    FOR UPDATE OF f SKIP LOCKED
),
moved AS (
    UPDATE followers f SET position = head.position, updated_at = now()
    FROM idle, head WHERE f.name = idle.name RETURNING f.name
)
SELECT (SELECT pg_notify({channel}, string_agg(moved.name, ',') || ' ' || min(head.position))
        FROM moved CROSS JOIN head HAVING count(*) > 0)::text AS told,
    ARRAY(SELECT name FROM asked WHERE behind AND name NOT IN (SELECT name FROM moved)) AS concerned
"""


class Passing(Looping):
    """A thread; to be woken at every event."""

    def __init__(
        self,
        database: Database,
        followers: Sequence[Follower],
        look_again: float = 1.0,
        far_behind: int = FAR_BEHIND,
    ) -> None:
        super().__init__("passing", self.step, look_again)
        self._database = database
        self._followers = {one.name: one for one in followers}
        wanted = [(one.name, topic) for one in followers for topic in one.topics]
        # All of it is fixed, so that nothing is left to convert or to plan at each event.
        self._statement = (
            sql.SQL(_MOVE_IDLE)
            .format(
                names=sql.Literal(list(self._followers)),
                owners=sql.Literal([name for name, _ in wanted]),
                topics=sql.Literal([topic for _, topic in wanted]),
                far=sql.Literal(far_behind),
                channel=sql.Literal(FOLLOWED_CHANNEL),
            )
            .as_bytes()
        )

    def step(self) -> bool:
        """What was passed has nothing to do; the others that are behind are woken."""
        with self._database.statements() as connection:
            row = connection.execute(self._statement).fetchone()
        assert row is not None
        for name in row["concerned"]:
            self._followers[name].wake()
        return False
