"""A platform with two tenants on a real PostgreSQL, and a client in each."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio import CapacityLimiter
from strawberry import Schema

from application.commands.tenant import hash_secret
from application.commands.upload import Uploads
from application.platform import Platform
from application.policies.slots import slots
from application.ports.listening import EVENTS
from application.views.registry import VIEWS
from application.waiting import Waiter
from domain.cause import Cause, acting
from domain.plan import Plan
from domain.principal import Principal, Role
from domain.tenant import Tenant
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.signed_links import SignedLinks
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.advance import Handling
from infrastructure.following.follower import Follower
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.passwords import Argon2Passwords
from infrastructure.people.in_postgres import people_in
from infrastructure.postgres.database import Database
from infrastructure.postgres.listener import PostgresListener
from infrastructure.postgres.reads import PostgresReads
from infrastructure.postgres.rollouts import rollouts_in
from infrastructure.postgres.workers import PostgresWorkers
from infrastructure.tuf.repositories import memory_repositories
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.memory import MemoryUploads
from interfaces.graphql.context import Context
from interfaces.graphql.schema import make_schema
from interfaces.graphql.tail import Tails
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.simple_ports import ArraysInspector, OnnxInspector, SwitchedFlags
from tests.interfaces.graphql.world import World

CHEAP_PASSWORDS = Argon2Passwords(time_cost=1, memory_kib=64)


@pytest.fixture
def pools(database: Database) -> Database:
    """The pools of the runtime roles on this test's own database."""
    return database


@pytest.fixture
def platform(pools: Database, tmp_path: Path) -> Platform:
    unused: Any = None
    blobs = LocalBlobs(tmp_path / "blobs")
    staging = LocalStaging(tmp_path / "uploads", blobs)
    return Platform(
        log=PostgresEventLog(pools),
        flags=SwitchedFlags(),
        blobs=blobs,
        uploads=Uploads(MemoryUploads(), staging, lambda _: 10**9),
        model_inspector=OnnxInspector(),
        dataset_inspector=ArraysInspector(),
        optimizer=unused,
        benchmarker=unused,
        scratch=tmp_path,
        offers=PostgresWorkers(pools).offers,
        users=people_in(pools, "http://edgewise.test", CHEAP_PASSWORDS),
        rollouts=rollouts_in(pools),
        targets=memory_repositories(),
    )


@pytest.fixture
def listener(pools: Database) -> Iterator[PostgresListener]:
    listener = PostgresListener(pools.system_url)
    listener.start()
    assert listener.connected.wait(10)
    yield listener
    listener.close()


@pytest.fixture
def followers(
    pools: Database, listener: PostgresListener, platform: Platform
) -> Iterator[dict[str, Follower]]:
    with ExitStack() as closing:
        made = {}
        handlings: list[Handling] = [
            *(Projection(view) for view in VIEWS),
            Reacting(slots, platform),
        ]
        for handling in handlings:
            follower = made[handling.name] = Follower(pools, handling, TypedMapper())
            listener.subscribe(EVENTS, lambda _, wake=follower.wake: wake())  # type: ignore[misc]
            follower.start()
            closing.callback(follower.close)
        yield made


@pytest.fixture(scope="session")
def schema() -> Schema:
    return make_schema()


@pytest.fixture
async def world(
    pools: Database,
    platform: Platform,
    listener: PostgresListener,
    followers: dict[str, Follower],
    schema: Schema,
) -> AsyncIterator[World]:
    await pools.open_reads()
    reads = PostgresReads(pools)
    context = Context(
        platform=platform,
        reads=reads,
        waiter=Waiter(reads, listener),
        listener=listener,
        tails=Tails(reads, listener),
        downloads=SignedLinks("key", "http://edgewise.test"),
        limiter=CapacityLimiter(8),
        environment="test",
        version="0.1.0",
    )
    clients = [_tenant(platform, schema, context, name) for name in ("Ours", "Theirs", "Operator")]
    ours, theirs, operator = clients
    assert operator.context.principal is not None
    operator = operator.with_principal(replace(operator.context.principal, platform=True))
    await context.waiter.reached(await reads.last_given(), ["tenants"])
    yield World(pools, context, ours, theirs, operator, followers)
    await pools.close_reads()


def _tenant(platform: Platform, schema: Schema, context: Context, name: str) -> Client:
    tenant_id, key_id = uuid4(), uuid4()
    with acting(Cause(tenant_id, "test", "test", "test")):
        tenant = Tenant.register(tenant_id, name, Plan.STARTER, "")
        tenant.issue_key(key_id, "first", Role.OWNER, hash_secret(str(key_id)))
        platform.log.save(tenant)
    principal = Principal(tenant_id, f"key:{key_id}", Role.OWNER)
    return Client(schema, replace(context, principal=principal))


@pytest.fixture
def ours(world: World) -> Client:
    return world.ours


@pytest.fixture
def theirs(world: World) -> Client:
    return world.theirs
