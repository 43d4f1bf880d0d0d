"""Rebuilding a view: new tables are filled from the log beside the live ones, then swapped in.

The swap is one transaction. It holds the view's row in `followers`, so the live tables stand still;
brings the new ones to the end of the log; puts them in the live ones' place; and moves the row.
Readers wait for the last two alone, and never see an empty or a half table. A reader that is in the
way, or a definition that changed meanwhile, ends the try and not the reader.
"""

import time

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import DictRow

from application.ports.projections import Progress, Rebuilt
from application.views.view import View
from domain.refusal import Refusal, RefusalCode
from infrastructure.following.definition import Definition
from infrastructure.following.follower import FOLLOWED_CHANNEL
from infrastructure.following.shadow import Shadow

TRIES = 40
POLITE_TRIES = 20
PAUSE = 0.5
# Shorter than deadlock_timeout: where a reader and the swap wait for each other, the swap yields.
READERS_WAIT = "400ms"
# Longer than it: PostgreSQL ends an autovacuum that somebody has waited for so long.
READERS_WAIT_AT_LAST = "1500ms"
FOLLOWER_WAIT = "5s"

# Should this process hang in the middle of it.
_LET_GO = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
_ENROLL = "INSERT INTO public.followers (name) VALUES (%s) ON CONFLICT DO NOTHING"
_HOLD = "SELECT position FROM public.followers WHERE name = %s FOR UPDATE"
_MOVE = """
UPDATE public.followers SET position = %s, updated_at = now(), stopped_position = NULL,
    stopped_topic = NULL, stopped_error = NULL, stopped_since = NULL WHERE name = %s
"""


def rebuild(shadow: Shadow, view: View, progress: Progress) -> Rebuilt:
    """Raises Refusal(CONFLICT) when the live tables were never free or have changed."""
    started = time.perf_counter()
    shadow.fill(view, shadow.newest(), progress)
    for table in view.tables:
        shadow.owner.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(shadow.schema, table)))
    for tried in range(TRIES):
        # The log has grown meanwhile; the swap itself should have little left to do.
        shadow.fill(view, shadow.newest(), progress)
        try:
            patience = READERS_WAIT if tried < POLITE_TRIES else READERS_WAIT_AT_LAST
            position = _swap(shadow, view, patience)
            break
        except LockNotAvailable:
            if tried == TRIES - 1:
                raise Refusal(
                    RefusalCode.CONFLICT,
                    f"The tables of {view.name} were in use all the time. End what holds them "
                    "(see pg_stat_activity), or try again when there is less to do.",
                ) from None
            time.sleep(PAUSE)
    rows = sum(_count(shadow.system, table) for table in view.tables)
    seconds = time.perf_counter() - started
    return Rebuilt(view.name, position, shadow.events.get(view.name, 0), rows, seconds)


def _swap(shadow: Shadow, view: View, patience: str) -> int:
    owner = shadow.owner
    owner.execute(_ENROLL, (view.name,))
    with owner.transaction():
        owner.execute(_LET_GO)
        _give_way_after(owner, FOLLOWER_WAIT)
        owner.execute(_HOLD, (view.name,))
        position = shadow.fill(view, shadow.newest())
        _give_way_after(owner, patience)
        _lock(owner, view)
        _require_unchanged(shadow, view)
        for table in view.tables:
            live, new = sql.Identifier("public", table), sql.Identifier(shadow.schema, table)
            owner.execute(sql.SQL("DROP TABLE {}").format(live))
            owner.execute(sql.SQL("ALTER TABLE {} SET SCHEMA public").format(new))
        for table in view.tables:
            for statement in shadow.definitions[table].after:
                owner.execute(statement.encode())
        owner.execute(_MOVE, (position, view.name))
        owner.execute("SELECT pg_notify(%s, %s)", (FOLLOWED_CHANNEL, f"{view.name} {position}"))
    return position


def _give_way_after(owner: Connection[DictRow], time: str) -> None:
    owner.execute("SELECT set_config('lock_timeout', %s, true)", (time,))


def _lock(owner: Connection[DictRow], view: View) -> None:
    tables = sql.SQL(", ").join(sql.Identifier("public", table) for table in view.tables)
    owner.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))


def _require_unchanged(shadow: Shadow, view: View) -> None:
    for table in view.tables:
        if Definition(shadow.owner, table, shadow.schema) != shadow.definitions[table]:
            raise Refusal(
                RefusalCode.CONFLICT,
                f"The table {table} was changed while {view.name} was rebuilt, as a migration "
                "does. Nothing was swapped. Rebuild again.",
            )


def _count(system: Connection[DictRow], table: str) -> int:
    statement = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier("public", table))
    row = system.execute(statement).fetchone()
    assert row is not None
    return int(row["n"])
