"""Projecting jobs into PostgreSQL, against the library's `ProjectionRunner`.

Both read the same events from the same server, decode them with the same mapper, fold them with the
same view, and write the same rows durably; at the end the tables are compared. The library's own
way is one event a transaction, through its subscription and its tracking recorder.
"""

import os
import time
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from eventsourcing.projection import ProjectionRunner
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from application.ports.event_log import RecordedEvent
from application.views.job import jobs
from application.views.view import Change, Delete, Insert, Update
from benchmarks.figure import Figure, Target
from benchmarks.installation import temporary_installation
from benchmarks.job_events import job_events
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.batch import plain
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database

EVENTS = 3_000
ROUNDS = 3
# A run of ours is over in a moment: more of them make a steady median.
OURS_A_ROUND = 10
AT_ONCE = 500

_UNLIKE = """
SELECT count(*) FROM public.jobs AS ours FULL JOIN library.jobs AS theirs USING (id)
WHERE to_jsonb(ours) IS DISTINCT FROM to_jsonb(theirs)
"""


def measure() -> Iterator[Figure]:
    """Events a second, the median of rounds that take turns."""
    with (
        temporary_installation() as (installation, _),
        psycopg.connect(installation.owner_url, autocommit=True) as owner,
    ):
        first = _append(installation.database, owner, installation.owner_url)
        follower = Follower(installation.database, Projection(jobs), TypedMapper())
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(ROUNDS + 1):
            theirs.append(_theirs(owner))
            ours += [_ours(owner, follower, first) for _ in range(OURS_A_ROUND)]
            if number == 0:  # warm now
                ours, theirs = [], []
        _require_alike(owner)
    value, baseline = median(ours), median(theirs)
    yield Figure(
        "projection",
        value,
        "events/s",
        baseline,
        value / baseline,
        "ProjectionRunner",
        Target(40, 60),
        f"{EVENTS} events of jobs, durable commits; medians of {len(ours)} and {len(theirs)} runs",
    )


def _append(database: Database, owner: Connection[Any], owner_url: str) -> int:
    """The same events into our log and into the library's, at the same positions."""
    tenant_id, mapper = uuid4(), TypedMapper()
    stored = [mapper.to_stored_event(event) for event in job_events(EVENTS, tenant_id)]
    log = GroupCommit(database.commands)
    positions = [
        position
        for place in range(0, EVENTS, AT_ONCE)
        for position in log.append(tenant_id, stored[place : place + AT_ONCE])
    ]
    first = positions[0]
    assert positions == list(range(first, first + EVENTS))
    owner.execute("CREATE SCHEMA library")
    owner.execute("CREATE TABLE library.jobs (LIKE public.jobs INCLUDING ALL)")
    os.environ.update(_environment(owner_url))
    with Jobs() as library:
        owner.execute(
            "SELECT setval(pg_get_serial_sequence('library.jobs_events', 'notification_id'),"
            " %s, false)",
            (first,),
        )
        for place in range(0, EVENTS, AT_ONCE):
            library.recorder.insert_events(stored[place : place + AT_ONCE])
    return first


def _ours(owner: Connection[Any], follower: Follower, first: int) -> float:
    """Our follower's own steps, from before the first event to the last."""
    owner.execute("TRUNCATE jobs")
    owner.execute(
        "INSERT INTO followers (name, position) VALUES ('jobs', %(at)s)"
        " ON CONFLICT (name) DO UPDATE SET position = %(at)s",
        {"at": first - 1},
    )
    started = time.perf_counter()
    while follower.step():
        pass
    return EVENTS / (time.perf_counter() - started)


def _theirs(owner: Connection[Any]) -> float:
    """The library's runner, from its start to the last position."""
    owner.execute("TRUNCATE library.jobs")
    owner.execute("DROP TABLE IF EXISTS library.jobsview_tracking")
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Jobs, projection_class=JobsView, view_class=JobsTable
    ) as runner:
        runner.wait(runner.app.recorder.max_notification_id(), timeout=600)
        return EVENTS / (time.perf_counter() - started)


def _require_alike(owner: Connection[Any]) -> None:
    unlike = owner.execute(_UNLIKE).fetchone()
    assert unlike == (0,), f"{unlike} rows differ"


class Jobs(Application[UUID]):
    """The library's application over the library's own table of events."""

    name = "jobs"

    def construct_mapper(self) -> Mapper[UUID]:
        return TypedMapper()


class JobsTable(PostgresTrackingRecorder):
    """The library's tracking recorder; it writes the rows in the transaction that tracks."""

    def write(self, changes: Iterator[Change], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for change in changes:
                statement, values = _statement(change)
                cursor.execute(statement, values, prepare=True)


class JobsView(LibraryProjection[JobsTable]):
    """The same view as ours, event by event."""

    name = "jobsview"
    topics = tuple(jobs.topics)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        at = RecordedEvent(
            tracking.notification_id,
            domain_event.timestamp,
            domain_event.cause.tenant_id,
            domain_event,
        )
        self.view.write(jobs.changes(at), tracking)


def _statement(change: Change) -> tuple[sql.Composed, list[Any]]:
    assert not isinstance(change, Delete)
    if isinstance(change, Insert):
        names = list(change.row)
        statement = sql.SQL("INSERT INTO library.jobs ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )
        return statement, [plain(value) for value in change.row.values()]
    assert isinstance(change, Update)
    statement = sql.SQL("UPDATE library.jobs SET {} WHERE id = %s").format(
        sql.SQL(", ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in change.columns
        )
    )
    return statement, [*map(plain, change.columns.values()), change.key["id"]]


def _environment(owner_url: str) -> dict[str, str]:
    parts = conninfo_to_dict(owner_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts["port"]),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts["password"]),
        "POSTGRES_SCHEMA": "library",
    }
