"""How far the followers have come, and what waits in the outbox, across all tenants."""

from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.projections import Standing, Waiting

_STANDING = """
SELECT f.name, f.position, greatest(h.head - f.position, 0) AS lag,
       coalesce(extract(epoch FROM clock_timestamp() - n.recorded_at), 0)::float8 AS lag_seconds,
       f.stopped_position, f.stopped_topic, f.stopped_error, f.stopped_since
FROM followers f
CROSS JOIN (SELECT coalesce(max(position), 0) AS head FROM events) AS h
LEFT JOIN LATERAL (SELECT recorded_at FROM events e WHERE e.position > f.position
                   ORDER BY e.position LIMIT 1) AS n ON true
ORDER BY f.name
"""
_WAITING = """
SELECT kind, count(*) AS waiting,
       extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_seconds
FROM outbox GROUP BY kind ORDER BY kind
"""


def standing(connection: Connection[DictRow]) -> list[Standing]:
    """Every view and policy that was ever followed. Needs the system's role."""
    return [Standing(**row) for row in connection.execute(_STANDING)]


def waiting(connection: Connection[DictRow]) -> list[Waiting]:
    """The outbox by kind of work; a kind of which nothing waits is not there."""
    return [Waiting(**row) for row in connection.execute(_WAITING)]
