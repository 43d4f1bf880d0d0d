"""Many clients change one thing at the same moment: each succeeds once or is told why not, and
nothing is lost, doubled or out of the chain.
"""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from application.audit.verification import Verification
from application.commands.command import Receipt, Request
from application.commands.model import add_artifacts, register_model
from application.platform import Platform
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.model import Model, Task
from domain.model_format import ModelFormat
from domain.plan import QuotaKind
from domain.principal import system
from domain.quota import WHOLE_LIFE, Quota
from domain.refusal import Refusal, RefusalCode
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.event_store.stored_chain import StoredChain
from infrastructure.postgres.database import Database
from tests.services.postgres import opened

CLIENTS, SAME = 50, 20
T = TypeVar("T")


@pytest.fixture
def platforms(platform: Platform, database_url: str) -> Iterator[list[Platform]]:
    """One platform with three logs, each on pools of its own, as three API processes have them."""
    with opened(database_url) as second, opened(database_url) as third:
        logs = [platform.log, PostgresEventLog(second), PostgresEventLog(third)]
        yield [dataclasses.replace(platform, log=log) for log in logs]


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    barrier = Barrier(count)

    def run(place: int) -> T:
        barrier.wait()
        return work(place)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def require_chained(database: Database) -> None:
    verification = Verification()
    for event in StoredChain(database).events():
        verification.look(event)
    assert verification.findings() == []


def artifact(job_id: UUID) -> Artifact:
    file = ArtifactFile("model.onnx", "ab" * 32, 10)
    origin = Origin(job_id=job_id)
    return Artifact(uuid4(), 1, f"v-{job_id}", ModelFormat.ONNX, (file,), None, origin)


def test_fifty_clients_append_to_one_model(
    platforms: list[Platform], tenant: UUID, model: UUID, database: Database
) -> None:
    """A client that is refused, as others kept coming first, is told so and has changed nothing."""
    given = [artifact(uuid4()) for _ in range(CLIENTS)]

    def add(place: int) -> RefusalCode | None:
        request = Request(system(tenant))
        try:
            add_artifacts(platforms[place % 3], request, model_id=model, artifacts=[given[place]])
        except Refusal as refusal:
            return refusal.code
        return None

    outcomes = at_once(CLIENTS, add)
    assert set(outcomes) <= {None, RefusalCode.CONFLICT}
    assert outcomes.count(None) > CLIENTS / 2
    done = zip(given, outcomes, strict=True)
    expected = {str(each.id) for each, refused in done if refused is None}
    found = platforms[0].log.find(Model, model)
    assert found is not None
    assert set(found.artifacts) == expected
    versions = [recorded.event.originator_version for recorded in platforms[1].log.stream(model)]
    assert versions == list(range(1, len(expected) + 2))
    require_chained(database)


def test_one_mutation_twenty_times_with_one_key_is_one_effect(
    platforms: list[Platform], tenant: UUID, database: Database
) -> None:
    def register(place: int) -> Receipt:
        request = Request(system(tenant), idempotency_key="the same")
        return register_model(platforms[place % 3], request, name="digits", task=Task.OTHER)

    receipts = at_once(SAME, register)
    (model_id,) = {receipt.id for receipt in receipts}
    assert len(platforms[0].log.stream(model_id)) == 1
    quota = platforms[0].log.find(Quota, Quota.id_of(tenant, QuotaKind.MODELS, WHOLE_LIFE))
    assert quota is not None
    assert quota.subjects == [model_id]
    require_chained(database)


def test_of_twenty_that_want_one_name_one_gets_it(
    platforms: list[Platform], tenant: UUID, database: Database
) -> None:
    def register(place: int) -> UUID | RefusalCode:
        try:
            request = Request(system(tenant))
            made = register_model(platforms[place % 3], request, name="digits", task=Task.OTHER)
            return made.id
        except Refusal as refusal:
            return refusal.code

    outcomes = at_once(SAME, register)
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, UUID))
    assert set(outcomes) == {winner, RefusalCode.NAME_TAKEN}
    require_chained(database)
