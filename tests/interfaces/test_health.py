"""What load balancers and monitoring see."""

import httpx
import pytest
from starlette.applications import Starlette

from application.views.registry import VIEWS
from infrastructure.blobs.memory import MemoryBlobs
from infrastructure.health import DependencyHealth
from infrastructure.postgres.database import Database
from interfaces.http.health import health_routes

NAMES = [view.name for view in VIEWS]


async def get(path: str, database: Database, redis_url: str | None = None) -> httpx.Response:
    health = DependencyHealth(database, MemoryBlobs(), redis_url, NAMES)
    transport = httpx.ASGITransport(Starlette(routes=health_routes(health)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


@pytest.fixture
def followed(database: Database) -> Database:
    """A database on which a projector has run."""
    with database.system() as connection:
        for name in NAMES:
            connection.execute("INSERT INTO followers (name) VALUES (%s)", (name,))
    return database


async def test_the_process_answers_whatever_it_stands_on(database: Database) -> None:
    assert (await get("/healthz", database)).status_code == 200


async def test_it_is_ready_when_each_dependency_is(followed: Database, redis_url: str) -> None:
    answer = await get("/readyz", followed, redis_url)
    assert answer.status_code == 200
    assert set(answer.json()["dependencies"]) == {"postgresql", "followers", "blobs", "redis"}


async def test_a_view_that_stopped_is_named_with_event_and_reason(
    followed: Database,
) -> None:
    with followed.system() as connection:
        connection.execute(
            "UPDATE followers SET stopped_position = 7, stopped_topic = 'model.archived',"
            " stopped_error = 'ValueError: odd', stopped_since = now() WHERE name = 'models'"
        )
    answer = await get("/readyz", followed)
    assert answer.status_code == 503
    told = answer.json()["dependencies"]["followers"]["error"]
    assert told == "models stopped at 7 (model.archived): ValueError: odd"


async def test_without_a_projector_it_is_not_ready(database: Database) -> None:
    answer = await get("/readyz", database)
    assert answer.status_code == 503
    assert "no projector" in answer.json()["dependencies"]["followers"]["error"]


async def test_a_redis_that_is_away_is_named(followed: Database) -> None:
    answer = await get("/readyz", followed, "redis://127.0.0.1:1/0")
    assert answer.status_code == 503
    assert not answer.json()["dependencies"]["redis"]["ok"]
    assert answer.json()["dependencies"]["postgresql"]["ok"]


async def test_metrics_tell_lag_and_outbox(followed: Database) -> None:
    text = (await get("/metrics", followed)).text
    assert 'edgewise_follower_lag_events{follower="models"} 0.0' in text
    assert "edgewise_outbox_rows 0.0" in text
    assert "edgewise_outbox_oldest_seconds" in text
