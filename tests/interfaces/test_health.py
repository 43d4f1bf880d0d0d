"""What load balancers and monitoring see."""

from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from application.views.registry import VIEWS
from infrastructure.blobs.memory import MemoryBlobs
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.health import DependencyHealth
from infrastructure.postgres.database import Database
from interfaces.http.health import health_routes
from tests.services.store_examples import in_tenant, new_model

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


async def test_a_view_that_stopped_is_named_with_its_event_and_nothing_that_it_says(
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
    assert told == "models stopped at 7 (model.archived)"
    assert "odd" not in answer.text
    (models,) = [each for each in answer.json()["projections"] if each["name"] == "models"]
    assert (models["stoppedPosition"], models["stoppedTopic"]) == (7, "model.archived")


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
    assert 'edgewise_follower_lag_seconds{follower="models"} 0.0' in text
    assert 'edgewise_follower_stopped{follower="models"} 0.0' in text
    assert "edgewise_outbox_rows 0.0" in text
    assert "edgewise_outbox_oldest_seconds" in text


async def test_lag_and_outbox_are_told_with_their_age(
    followed: Database, event_log: PostgresEventLog
) -> None:
    with in_tenant(uuid4()):
        position = event_log.save(new_model())
    with followed.system() as connection:
        connection.execute(
            "INSERT INTO outbox (kind, dedupe_key, tenant_id, payload, created_at)"
            " VALUES ('job', '1', gen_random_uuid(), '{}', now() - interval '1 minute')"
        )
    answer = (await get("/readyz", followed)).json()
    (models,) = [each for each in answer["projections"] if each["name"] == "models"]
    assert (models["position"], models["lag"]) == (0, position)
    assert models["lagSeconds"] > 0
    (jobs,) = answer["outbox"]
    assert (jobs["kind"], jobs["waiting"]) == ("job", 1)
    assert jobs["oldestSeconds"] >= 60


async def test_nobody_is_told_in_public_why_a_dependency_is_away(
    followed: Database, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await get("/readyz", followed, "redis://secret-host.invalid:1/0")
    assert answer.status_code == 503
    assert "secret-host" not in answer.text
    assert "secret-host" in caplog.text
