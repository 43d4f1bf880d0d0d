"""Tables of views beside the live ones, in a schema of their own, filled from the log.

A shadow has a `followers` table too, and its connection finds both before those in `public`: the
same steps fill it that fill the live tables, and nobody is told of them. One process at a time
works on a schema; what a killed one left there goes when the next begins.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from eventsourcing.persistence import Mapper
from psycopg import Connection, sql
from psycopg.rows import DictRow, dict_row

from application.ports.projections import Progress
from application.views.view import View
from domain.refusal import Refusal, RefusalCode
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.advance import Stopped, advance
from infrastructure.following.definition import Definition
from infrastructure.following.feed import head
from infrastructure.following.projection import Projection

BATCH = Projection.at_once
_ONLY_ONE = "SELECT pg_try_advisory_lock(hashtextextended('edgewise shadow ' || %s, 0)) AS ours"
_LIVE = "SELECT position FROM public.followers WHERE name = %s"
_ENTER = "SELECT set_config('search_path', %s, false)"


def quiet(progress: str, position: int, until: int) -> None:
    """A `Progress` that tells nobody."""


@dataclass
class Shadow:
    """`owner` is a session of the tables' owner, `system` one that finds the shadow's tables first;
    both commit each statement unless a transaction is begun."""

    schema: str
    owner: Connection[DictRow]
    system: Connection[DictRow]
    definitions: dict[str, Definition]
    batch: int
    events: dict[str, int] = field(default_factory=dict)
    _mapper: Mapper[UUID] = field(default_factory=TypedMapper)

    def fill(self, view: View, until: int, progress: Progress = quiet) -> int:
        """Goes on to the position `until`, in as many transactions as that takes, or in the one
        that `system` is in.

        Raises Refusal(INVALID_STATE) where an event cannot be folded."""
        projection, more = Projection(view), True
        while more:
            more = self._step(projection, until, progress)
        return until

    def _step(self, projection: Projection, until: int, progress: Progress) -> bool:
        name = projection.name
        try:
            with self.system.transaction():
                step = advance(self.system, projection, self._mapper, self.batch, until)
        except Stopped as stopped:
            if self.batch > 1:
                self.batch = 1  # one by one up to the event itself
                return True
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The events cannot be replayed into {name}: position "
                f"{stopped.row['position']} ({stopped.row['topic']}): {stopped}. The live tables "
                "are as they were. Mend the code that folds this event, then try again.",
            ) from stopped
        assert step is not None, "nobody else works on this schema"
        self.events[name] = self.events.get(name, 0) + step.handled
        progress(name, step.position, until)
        return step.more

    def newest(self) -> int:
        """The position of the newest event."""
        return head(self.system)

    def live_position(self, view: View) -> int:
        """How far the live view has come; 0 where it was never projected."""
        row = self.system.execute(_LIVE, (view.name,)).fetchone()
        return 0 if row is None else int(row["position"])


@contextmanager
def shadow(
    owner_url: str, system_url: str, schema: str, role: str, views: Sequence[View]
) -> Iterator[Shadow]:
    """Empty tables for these views. `role` is that of `system_url`.

    Raises Refusal(CONFLICT) when another process works on the schema."""
    with (
        psycopg.connect(owner_url, autocommit=True, row_factory=dict_row) as owner,
        psycopg.connect(system_url, autocommit=True, row_factory=dict_row) as system,
    ):
        _require_alone(owner, schema)
        tables = [table for view in views for table in view.tables]
        try:
            definitions = _make(owner, schema, role, tables)
            for view in views:
                statement = sql.SQL("INSERT INTO {} (name) VALUES (%s)")
                owner.execute(statement.format(sql.Identifier(schema, "followers")), (view.name,))
            system.execute(_ENTER, (f"{schema}, public",))
            yield Shadow(schema, owner, system, definitions, BATCH)
        finally:
            if not owner.closed:
                _drop(owner, schema)


def _require_alone(owner: Connection[DictRow], schema: str) -> None:
    row = owner.execute(_ONLY_ONE, (schema,)).fetchone()
    assert row is not None
    if not row["ours"]:
        raise Refusal(
            RefusalCode.CONFLICT,
            f"Another process is at this already (in the schema {schema}). Wait until it is done.",
        )


def _make(
    owner: Connection[DictRow], schema: str, role: str, tables: Sequence[str]
) -> dict[str, Definition]:
    """All or nothing: a schema that is there is a whole one."""
    space, system = sql.Identifier(schema), sql.Identifier(role)
    _drop(owner, schema)
    with owner.transaction():
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(space))
        owner.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(space, system))
        made = {table: Definition(owner, table, schema) for table in (*tables, "followers")}
        for definition in made.values():
            for statement in definition.beside:
                owner.execute(statement.encode())
    return made


def _drop(owner: Connection[DictRow], schema: str) -> None:
    owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
