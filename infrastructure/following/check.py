"""Comparing the live tables with a replay of the log, row by row, while the system runs.

Each view is replayed into a shadow up to where its live tables are. What came since is added in
one REPEATABLE READ transaction: its snapshot shows every live table together with the position
that it belongs to, and the shadow is brought to those very positions inside it. Before the snapshot
is taken the live tables are locked against being swapped, and against nothing else.
"""

from collections.abc import Iterator, Sequence

from psycopg import Connection, IsolationLevel, sql
from psycopg.rows import DictRow

from application.ports.projections import Compared, Difference, Progress, difference
from application.views.view import View
from infrastructure.following.shadow import Shadow

_PATIENT = "SET LOCAL idle_in_transaction_session_timeout = 0"
_DIFFERENT = """
SELECT to_jsonb(live) AS live, to_jsonb(replayed) AS replayed
FROM {live} AS live FULL JOIN {replayed} AS replayed USING ({key})
WHERE to_jsonb(live) IS DISTINCT FROM to_jsonb(replayed) ORDER BY {key}
"""


def check(shadow: Shadow, views: Sequence[View], progress: Progress) -> Iterator[Compared]:
    """Raises Refusal(INVALID_STATE) where an event cannot be replayed."""
    for view in views:
        shadow.fill(view, shadow.live_position(view), progress)
    system = shadow.system
    system.isolation_level = IsolationLevel.REPEATABLE_READ
    with system.transaction():
        _hold(system, [table for view in views for table in view.tables])
        for view in views:
            position = shadow.live_position(view)
            shadow.fill(view, position)
            system.execute(_PATIENT)
            differences = [
                found
                for table, key in view.tables.items()
                for found in _differences(shadow, table, key)
            ]
            rows = sum(_count(system, shadow.schema, table) for table in view.tables)
            events = shadow.events.get(view.name, 0)
            yield Compared(view.name, position, events, rows, differences)


def _hold(system: Connection[DictRow], tables: Sequence[str]) -> None:
    """LOCK TABLE is the one statement that takes no snapshot."""
    names = sql.SQL(", ").join(sql.Identifier("public", table) for table in tables)
    system.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _differences(shadow: Shadow, table: str, key: Sequence[str]) -> Iterator[Difference]:
    statement = sql.SQL(_DIFFERENT).format(
        live=sql.Identifier("public", table),
        replayed=sql.Identifier(shadow.schema, table),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
    )
    for row in shadow.system.execute(statement):
        yield difference(table, key, row["live"], row["replayed"])


def _count(system: Connection[DictRow], schema: str, table: str) -> int:
    statement = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(schema, table))
    row = system.execute(statement).fetchone()
    assert row is not None
    return int(row["n"])
