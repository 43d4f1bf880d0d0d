"""A long stream is read from its last snapshot, which tells the same as all the events."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.artifact import Artifact, ArtifactFile, Origin
from domain.flag import Flag
from domain.model import Model
from domain.model_format import ModelFormat
from domain.plan import Plan, QuotaKind
from domain.principal import Role
from domain.quota import Quota
from domain.signature import Signature, TensorSpec
from domain.tenant import Tenant
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from tests.services.store_examples import busy_model, in_tenant, new_model


def _snapshots(database: Database, stream: UUID) -> list[dict[str, Any]]:
    with database.system() as connection:
        return connection.execute(
            "SELECT * FROM snapshots WHERE originator_id = %s ORDER BY originator_version",
            (stream,),
        ).fetchall()


def test_a_short_stream_has_no_snapshot(event_log: PostgresEventLog, database: Database) -> None:
    with in_tenant(uuid4()):
        model = busy_model(10)
        event_log.save(model)
    assert _snapshots(database, model.id) == []


def test_a_long_stream_has_one_every_fifty_events(
    event_log: PostgresEventLog, database: Database
) -> None:
    with in_tenant(uuid4()) as cause:
        model = new_model()
        for _ in range(60):
            model.archive()
            model.restore()
            event_log.save(model)
    snapshots = _snapshots(database, model.id)
    assert len(snapshots) == 2
    assert {row["tenant_id"] for row in snapshots} == {cause.tenant_id}


def test_a_snapshot_tells_what_the_events_tell(event_log: PostgresEventLog) -> None:
    with in_tenant(uuid4()):
        model = busy_model(130)
        event_log.save(model)
        replayed: Any = None
        for recorded in event_log.stream(model.id):
            replayed = recorded.event.mutate(replayed)
        assert event_log.find(Model, model.id) == replayed == model


def test_the_events_before_a_snapshot_are_not_read(
    event_log: PostgresEventLog, database: Database, database_url: str
) -> None:
    with in_tenant(uuid4()):
        model = busy_model(60)
        event_log.save(model)
        with psycopg.connect(database_url) as owner:
            owner.execute("ALTER TABLE events DISABLE ROW LEVEL SECURITY")
            owner.execute("UPDATE events SET state = 'unreadable' WHERE originator_version < 50")
        assert event_log.find(Model, model.id) == model


def test_a_snapshot_can_be_changed_on_and_saved(event_log: PostgresEventLog) -> None:
    with in_tenant(uuid4()):
        model = busy_model(60)
        event_log.save(model)
        found = event_log.find(Model, model.id)
        assert found is not None
        found.delete()
        event_log.save(found)
        again = event_log.find(Model, model.id)
    assert again == found
    assert again.version == 62


def test_a_tenant_does_not_see_the_snapshots_of_another(event_log: PostgresEventLog) -> None:
    with in_tenant(uuid4()):
        model = busy_model(60)
        event_log.save(model)
    with in_tenant(uuid4()):
        assert event_log.find(Model, model.id) is None


@pytest.mark.parametrize("kind", ["tenant", "quota", "model"])
def test_a_full_aggregate_passes_through_a_snapshot_unchanged(kind: str) -> None:
    full = {"tenant": _full_tenant, "quota": _full_quota, "model": _full_model}[kind]
    with in_tenant(uuid4()):
        aggregate = full()
    mapper = TypedMapper()
    snapshot = type(aggregate).Snapshot.take(aggregate)
    restored: Any = mapper.to_domain_event(mapper.to_stored_event(snapshot))
    found = restored.mutate(None)
    assert {
        name: getattr(found, name) for name in vars(aggregate) if name != "_pending_events"
    } == {name: value for name, value in vars(aggregate).items() if name != "_pending_events"}


def _full_tenant() -> Tenant:
    tenant = Tenant.register(uuid4(), "Acme", Plan.PRO, "hash")
    key_id = uuid4()
    tenant.issue_key(key_id, "laptop", Role.OWNER, "ab" * 32, platform=True)
    tenant.revoke_key(key_id)
    tenant.add_member(uuid4(), Role.VIEWER)
    tenant.set_flag(next(iter(Flag)), True)
    return tenant


def _full_quota() -> Quota:
    quota = Quota.open(uuid4(), QuotaKind.BENCHMARKS, "2026-11")
    quota.spend(uuid4(), "stream/1", Plan.FREE, 10)
    return quota


def _full_model() -> Model:
    model = new_model()
    inputs = (TensorSpec("image", "float32", ("batch", 3, "?")),)
    signature = Signature(inputs, (), 12, 17, {"Conv": 3})
    files = (ArtifactFile("model.onnx", "ab" * 32, 12),)
    origin = Origin(upload_id=uuid4())
    source = Artifact(uuid4(), 1, "source", ModelFormat.ONNX, files, signature, origin)
    model.upload_version(source)
    proof = {"cosine": 0.99, "outputs": [{"name": "y", "worst": None}]}
    model.add_artifact(replace(source, id=uuid4(), variant="fp16", proof=proof))
    model.move_alias("production", source.id)
    return model
