"""A replay finds every row that is not what the events say, while the system runs."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection

from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.following.upkeep import PostgresProjections
from infrastructure.postgres.database import Database
from tests.services.projecting import MODELS, quiet, repeating, schemas
from tests.services.store_examples import busy_model, in_tenant


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        yield owner


def test_clean_tables_agree_with_the_log(projections: PostgresProjections, filled: int) -> None:
    found = list(projections.check(quiet))
    assert {each.view for each in found} == set(projections.names())
    assert {each.position for each in found} == {filled}
    assert [each.differences for each in found if each.differences] == []


def test_what_was_tampered_with_is_found_and_named(
    projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    owner.execute("UPDATE models SET name = 'tampered' WHERE position = 1")
    (different,) = [d for each in projections.check(quiet) for d in each.differences]
    assert different.table == "models"
    assert different.columns == ["name"]
    assert different.live is not None
    assert different.replayed is not None
    assert (different.live["name"], different.replayed["name"]) == ("tampered", "yolo")


def test_a_check_agrees_while_the_system_runs(
    database: Database, event_log: PostgresEventLog, projections: PostgresProjections, filled: int
) -> None:
    failed: list[BaseException] = []

    def write() -> None:
        with in_tenant(uuid4()):
            event_log.save(busy_model(3))

    follower = Follower(database, Projection(MODELS), TypedMapper(), look_again=0.01)
    follower.start()
    with repeating(write, failed):
        for _ in range(4):
            found = list(projections.check(quiet))
            assert [each.differences for each in found if each.differences] == []
    follower.close()
    assert failed == []


def test_missing_and_surplus_rows_are_differences(
    projections: PostgresProjections, owner: Connection[Any], filled: int
) -> None:
    owner.execute("DELETE FROM models WHERE position = 1")
    owner.execute(
        "INSERT INTO models SELECT gen_random_uuid(), tenant_id, 'surplus', task, status, versions,"
        " created_at, created_by, updated_at, 9999, changed FROM models LIMIT 1"
    )
    found = [d for each in projections.check(quiet) for d in each.differences]
    assert sorted((d.live is None, d.replayed is None) for d in found) == [
        (False, True),
        (True, False),
    ]
    assert all(set(d.key) == {"id"} for d in found)
    assert schemas(owner) == []
