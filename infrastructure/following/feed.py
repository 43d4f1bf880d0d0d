"""The log as its followers read it: across all tenants, in the order of positions."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import DictRow

_NEXT = """
SELECT position, recorded_at, tenant_id, originator_id, originator_version, topic, state
FROM events WHERE position > %s AND position <= %s AND topic = ANY(%s) ORDER BY position LIMIT %s
"""
_HEAD = "SELECT coalesce(max(position), 0) AS head FROM events"


def head(connection: Connection[DictRow]) -> int:
    """The position of the newest event, 0 when there is none."""
    row = connection.execute(_HEAD).fetchone()
    assert row is not None
    return int(row["head"])


def next_rows(
    connection: Connection[DictRow], after: int, until: int, topics: Sequence[str], limit: int
) -> list[DictRow]:
    """The next events of these topics after one position and up to another."""
    values = (after, until, list(topics), limit)
    return connection.execute(_NEXT, values, binary=True).fetchall()
