"""A view is rebuilt beside its live tables and swapped in: nobody sees half a table."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from application.commands.tenant import hash_secret
from application.views.registry import VIEWS
from application.views.view import Change, View
from domain.model import Model
from domain.plan import Plan
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from domain.tenant import Tenant
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.definition import Definition
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.following.upkeep import PostgresProjections
from infrastructure.postgres.database import Database
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.migrate import migrate
from tests.patience import PATIENCE, eventually
from tests.services.postgres import TEST_SECRET
from tests.services.projecting import MODELS, project, quiet, repeating, rows, schemas
from tests.services.store_examples import busy_model, in_tenant, new_model

ROOT = Path(__file__).parents[2]
_REBUILDS_WHEN_TOLD = """
import sys
from application.views.registry import VIEWS
from infrastructure.following import shadow as shadows
from infrastructure.following.upkeep import PostgresProjections
shadows.BATCH = 1
def told(name, position, until):
    print(position, flush=True)
    sys.stdin.readline()
PostgresProjections(sys.argv[1], sys.argv[2], VIEWS).rebuild("models", told)
"""


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        yield owner


def test_a_rebuild_brings_back_what_the_events_say(
    projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    before = rows(owner)
    owner.execute("DELETE FROM models WHERE position % 2 = 0")
    owner.execute("UPDATE models SET name = 'tampered'")
    rebuilt = projections.rebuild("models", quiet)
    assert rows(owner) == before
    assert (rebuilt.view, rebuilt.position, rebuilt.rows) == ("models", filled, 6)


def test_an_unknown_name_is_refused_with_those_there_are(projections: PostgresProjections) -> None:
    with pytest.raises(Refusal, match=r"There are: tenants, .*quotas, models") as refused:
        projections.rebuild("model", quiet)
    assert refused.value.code is RefusalCode.NOT_FOUND


def test_a_view_that_feeds_operational_rows_is_never_rebuilt(
    projections: PostgresProjections,
) -> None:
    with pytest.raises(Refusal, match="outbox") as refused:
        projections.rebuild("dispatch", quiet)
    assert refused.value.code is RefusalCode.INVALID
    assert "dispatch" not in projections.names()


@pytest.mark.parametrize("view", [view for view in VIEWS if not view.live], ids=lambda v: v.name)
def test_the_new_tables_are_defined_as_the_old_ones_were(
    projections: PostgresProjections, owner: Connection[Any], database_url: str, view: View
) -> None:
    for table in view.tables:
        owner.execute(f"ALTER TABLE {table} SET (fillfactor = 90)")
        owner.execute(f"GRANT SELECT ON {table} TO PUBLIC")
    before = [definition(database_url, table) for table in view.tables]
    projections.rebuild(view.name, quiet)
    after = [definition(database_url, table) for table in view.tables]
    assert before == after


def test_a_migration_after_a_rebuild_finds_what_it_knows(
    projections: PostgresProjections, owner: Connection[Any], database_url: str, filled: int
) -> None:
    before = indexes(owner)
    projections.rebuild("models", quiet)
    assert indexes(owner) == before
    migrate(database_url, secret=TEST_SECRET)


async def test_tenants_see_their_own_rows_and_keys_are_found_after_a_rebuild(
    database: Database,
    event_log: PostgresEventLog,
    projections: PostgresProjections,
    filled: int,
) -> None:
    with in_tenant(uuid4()) as cause:
        tenant = Tenant.register(cause.tenant_id, "Ours", Plan.STARTER, "")
        tenant.issue_key(uuid4(), "first", Role.OWNER, hash_secret("secret"))
        event_log.save(tenant, new_model("ours"))
    project(database)
    keys = PostgresKeys(database)
    assert await keys.principal("secret") is not None
    for name in ("tenants", "models"):
        projections.rebuild(name, quiet)
    assert await keys.principal("secret") is not None
    with database.tenant(cause.tenant_id) as connection:
        names = [row["name"] for row in connection.execute("SELECT name FROM models")]
    assert names == ["ours"]
    with database.anonymous() as connection:
        assert connection.execute("SELECT * FROM models").fetchall() == []


def test_readers_and_the_projector_go_on_while_tables_are_swapped(
    database: Database,
    event_log: PostgresEventLog,
    projections: PostgresProjections,
    owner: Connection[Any],
) -> None:
    """Readers prepare their statements (psycopg does at the fifth time), so plans outlive swaps."""
    with in_tenant(uuid4()) as cause:
        event_log.save(*[new_model() for _ in range(50)])
    project(database, "models")
    failed: list[BaseException] = []
    seen: list[int] = []

    def read() -> None:
        with database.tenant(cause.tenant_id) as connection:
            found = connection.execute("SELECT count(*) AS n, count(name) FROM models").fetchone()
        assert found is not None
        assert found["n"] >= max(seen, default=50), "a reader saw rows go"
        seen.append(found["n"])

    def write() -> None:
        with in_tenant(cause.tenant_id):
            event_log.save(new_model())

    follower = Follower(database, Projection(MODELS), TypedMapper(), look_again=0.01)
    follower.start()
    with repeating(read, failed), repeating(write, failed):
        for _ in range(5):
            before = len(seen)
            projections.rebuild("models", quiet)
            eventually(lambda before=before: failed or len(seen) > before + 3)  # type: ignore[misc]
    follower.close()
    assert failed == []
    assert not [d for each in projections.check(quiet) for d in each.differences]


def test_a_killed_rebuild_leaves_the_live_tables_and_the_next_one_starts_over(
    database_url: str, projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    before = rows(owner)
    with rebuilding(database_url) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert rows(owner) == before
    eventually_alone(lambda: projections.rebuild("models", quiet))
    assert rows(owner) == before
    assert schemas(owner) == []


def test_a_second_rebuild_of_a_view_is_refused_while_the_first_one_runs(
    database_url: str, projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    with rebuilding(database_url) as first:
        with pytest.raises(Refusal, match="at this already") as refused:
            projections.rebuild("models", quiet)
        projections.rebuild("jobs", quiet)
        assert first.stdin is not None
        first.stdin.close()
        assert first.wait(timeout=PATIENCE) == 0
    assert refused.value.code is RefusalCode.CONFLICT
    assert len(rows(owner)) == 6


def test_a_table_that_is_migrated_meanwhile_is_not_swapped(
    projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    def migrating(name: str, position: int, until: int) -> None:
        owner.execute("ALTER TABLE models ADD COLUMN IF NOT EXISTS more text DEFAULT 'kept'")

    with pytest.raises(Refusal, match="changed while models was rebuilt"):
        projections.rebuild("models", migrating)
    assert owner.execute("SELECT DISTINCT more FROM models").fetchall() == [("kept",)]
    assert schemas(owner) == []


def test_a_long_reader_is_waited_for_and_holds_up_nobody_else(
    projections: PostgresProjections, owner: Connection[Any], database_url: str, filled: int
) -> None:
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT * FROM models")
        rebuilding = Thread(target=projections.rebuild, args=("models", quiet))
        rebuilding.start()
        for _ in range(10):
            time.sleep(0.1)
            assert len(rows(owner)) == 6
        assert rebuilding.is_alive()
    rebuilding.join(timeout=PATIENCE)
    assert not rebuilding.is_alive()


def test_a_view_that_stopped_goes_on_after_a_rebuild_with_mended_code(
    database: Database,
    event_log: PostgresEventLog,
    projections: PostgresProjections,
    owner: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> Iterator[Change]:
        raise ValueError("odd")

    mended = MODELS.handlers[Model.Archived]
    with in_tenant(uuid4()):
        last = event_log.save(busy_model(1), new_model())
    monkeypatch.setitem(MODELS.handlers, Model.Archived, broken)
    project(database, "models")
    stopped = {each.name: each for each in projections.standing()}["models"]
    assert (stopped.stopped_topic, stopped.stopped_error) == ("model.archived", "ValueError: odd")
    with pytest.raises(Refusal, match=r"model\.archived.*odd"):
        projections.rebuild("models", quiet)
    monkeypatch.setitem(MODELS.handlers, Model.Archived, mended)
    assert projections.rebuild("models", quiet).position == last
    standing = {each.name: each for each in projections.standing()}["models"]
    assert (standing.position, standing.lag, standing.stopped_position) == (last, 0, None)
    assert [row[0]["status"] for row in rows(owner)] == ["ARCHIVED", "ACTIVE"]


def test_a_view_that_was_never_projected_can_be_rebuilt(
    event_log: PostgresEventLog, projections: PostgresProjections, owner: Connection[Any]
) -> None:
    with in_tenant(uuid4()):
        last = event_log.save(new_model())
    assert projections.rebuild("models", quiet).position == last
    assert len(rows(owner)) == 1


def test_an_owner_who_is_no_superuser_can_rebuild_and_check(
    projections: PostgresProjections, owner: Connection[Any], database_url: str, filled: int
) -> None:
    """Forced row-level security binds such an owner too."""
    before = rows(owner)
    role = f"plain_{uuid4().hex[:8]}"
    owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'p' NOSUPERUSER")
    owner.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    owner.execute(f"GRANT CREATE ON DATABASE {owner.info.dbname} TO {role}")
    for (table,) in owner.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall():
        owner.execute(f"ALTER TABLE {table} OWNER TO {role}")
    try:
        plain = PostgresProjections(
            make_conninfo(database_url, user=role, password="p"), TEST_SECRET, VIEWS
        )
        owner.execute("UPDATE models SET name = 'tampered'")
        plain.rebuild("models", quiet)
        assert rows(owner) == before
        assert not [d for each in plain.check(quiet) for d in each.differences]
    finally:
        owner.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        owner.execute(f"DROP OWNED BY {role}")
        owner.execute(f"DROP ROLE {role}")


def definition(database_url: str, table: str) -> Definition:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return Definition(connection, table, "elsewhere")


def indexes(owner: Connection[Any]) -> list[str]:
    found = owner.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
    return [row[0] for row in found]


@contextmanager
def rebuilding(database_url: str) -> Iterator["subprocess.Popen[str]"]:
    """A process in the midst of rebuilding the models. It waits for a line after each event, and
    goes on to the end once its standard input is closed."""
    command = [sys.executable, "-c", _REBUILDS_WHEN_TOLD, database_url, TEST_SECRET]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def eventually_alone(work: Callable[[], object], seconds: float = PATIENCE) -> None:
    """PostgreSQL takes a moment to notice that a client was killed."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            work()
            return
        except Refusal:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
