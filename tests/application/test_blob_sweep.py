"""The sweep removes bytes that nothing refers to any more, and nothing else ever."""

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from application.blob_sweep import look, sweep_blobs
from application.commands import upload as commands
from application.commands.upload import UploadRequest
from application.commands.upload_stream import append
from application.jobs.kind import Work
from infrastructure.postgres.database import Database
from tests.application.blob_store import NOW, Store, whole


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Store:
    return Store(database, tmp_path)


def test_an_upload_that_nobody_used_goes_with_its_bytes_after_seven_days(store: Store) -> None:
    upload = store.upload(b"unused")
    store.late = timedelta(days=6)
    while commands.sweep(store.uploads):
        pass
    assert store.sweep().freed_blobs == 0
    store.expire_uploads()
    assert store.uploads.rows.get(store.tenant_id, upload.id) is None
    swept = store.sweep()
    assert (swept.freed_blobs, swept.freed_bytes) == (1, 6)
    assert not store.has(b"unused")


def test_a_models_files_outlive_their_upload_and_go_with_the_model(store: Store) -> None:
    model = store.model_of(store.upload(b"weights"))
    store.expire_uploads()
    assert store.sweep().unreferenced_blobs == 0
    store.delete_model(model)
    assert store.sweep().freed_bytes == 7
    assert not store.has(b"weights")


def test_content_that_two_models_share_stays_until_both_are_deleted(store: Store) -> None:
    first, second = (store.model_of(store.upload(b"shared")) for _ in range(2))
    store.expire_uploads()
    store.delete_model(first)
    store.sweep()
    assert store.has(b"shared")
    store.delete_model(second)
    store.sweep()
    assert not store.has(b"shared")


def test_another_tenants_reference_keeps_nothing_of_ours(
    store: Store, database: Database, tmp_path: Path
) -> None:
    other = Store(database, tmp_path)
    other.model_of(other.upload(b"same bytes"))
    store.upload(b"same bytes")
    store.late = timedelta(days=8)
    assert store.uploads.rows.get(store.tenant_id, uuid4()) is None
    store.expire_uploads()
    store.sweep()
    assert not store.has(b"same bytes")
    assert other.has(b"same bytes")


def test_nothing_goes_before_the_grace_period_and_a_find_starts_it_anew(store: Store) -> None:
    store.upload(b"forgotten")
    store.expire_uploads()
    patient = replace(store.sweeping, grace=timedelta(hours=1))
    store.follow()
    assert sweep_blobs(patient).unreferenced_blobs == 1
    assert store.has(b"forgotten")
    store.late = timedelta(0)
    store.upload(b"forgotten")  # and so the mark is gone
    assert store.ledger.due(NOW) == []


def test_a_dry_run_tells_and_changes_nothing(store: Store) -> None:
    store.upload(b"forgotten")
    store.expire_uploads()
    store.follow()
    assert look(store.sweeping).unreferenced_bytes == 9
    assert store.ledger.due(NOW) == []
    assert store.has(b"forgotten")


def test_nothing_is_removed_while_the_projections_lag(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.blob_sweep.PATIENCE", timedelta(seconds=0.2))
    upload = store.upload(b"just registered")
    store.model_of(upload)
    store.expire_uploads()
    swept = sweep_blobs(store.sweeping)
    assert swept.skipped is not None
    assert store.has(b"just registered")


def test_only_one_sweep_runs_at_a_time(store: Store) -> None:
    with store.ledger.leading() as first:
        assert first
        assert store.sweep().skipped == "another sweep is under way"


def test_an_upload_that_meets_the_removal_of_its_content_stores_it_again(store: Store) -> None:
    """The file is found, then removed by a sweep, and only then referred to."""
    store.upload(b"met")
    store.expire_uploads()
    store.late = timedelta(0)
    request = UploadRequest(3, "model.onnx", "model")
    upload = commands.create(store.uploads, store.principal, request)
    writer = store.uploads.staging.writer(upload)
    writer.resume(upload)
    writer.write(b"met")
    upload = store.uploads.rows.advance(upload, writer.flush())
    writer.close()
    publish = store.uploads.staging.publish
    swept = []

    def publish_and_be_swept(*arguments: object) -> None:
        publish(*arguments)  # type: ignore[arg-type]
        if not swept:
            swept.append(store.sweep())

    store.uploads.staging.publish = publish_and_be_swept  # type: ignore[method-assign]
    done = commands.find(store.uploads, store.principal, upload.id)
    assert swept[0].freed_blobs == 1
    assert done.sha256 is not None
    assert store.has(b"met")


def test_a_sweep_that_dies_after_removing_leaves_a_mark_that_the_next_one_ends(
    store: Store,
) -> None:
    store.upload(b"half removed")
    store.expire_uploads()
    store.follow()
    sweep_blobs(replace(store.sweeping, grace=timedelta(hours=1)))
    (mark,) = store.ledger.due(NOW)
    with suppress(psycopg.OperationalError), store.ledger.taking(mark, NOW) as ours:
        assert ours
        store.blobs.delete(mark.tenant_id, mark.sha256)
        raise psycopg.OperationalError("and here it dies")
    assert store.ledger.due(NOW) == [mark]
    store.sweep()
    assert store.ledger.due(NOW) == []


def test_what_broken_writes_left_behind_is_removed(store: Store) -> None:
    incoming = store.folder / "blobs" / "incoming"
    incoming.mkdir(parents=True)
    old, new = incoming / "old", incoming / "new"
    old.write_bytes(b"12345")
    new.write_bytes(b"123")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    stray = store.folder / "staging" / str(store.tenant_id) / str(uuid4())
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"1234567")
    going_on = commands.create(
        store.uploads, store.principal, UploadRequest(10, "model.onnx", "model")
    )
    asyncio.run(append(store.uploads, store.principal, going_on.id, 0, whole(b"0123")))
    store.follow()
    assert sweep_blobs(replace(store.sweeping, grace=timedelta(hours=1))).freed_bytes == 12
    assert (old.exists(), new.exists(), stray.exists()) == (False, True, False)
    done = asyncio.run(append(store.uploads, store.principal, going_on.id, 4, whole(b"456789")))
    assert done.sha256 == hashlib.sha256(b"0123456789").hexdigest()


def test_a_jobs_output_that_is_swept_away_while_it_is_stored_is_stored_again(
    store: Store, tmp_path: Path
) -> None:
    class Platform:
        blobs, holds = store.blobs, store.ledger

    class Job:
        tenant_id = store.tenant_id

    made = tmp_path / "made"
    made.write_bytes(b"output")
    work = Work(Platform, Job, tmp_path, None)  # type: ignore[arg-type]
    hold = store.ledger.holding

    def swept_before(tenant_id: UUID, sha256: str):  # type: ignore[no-untyped-def]
        store.blobs.delete(tenant_id, sha256)
        return hold(tenant_id, sha256)

    store.ledger.holding = swept_before  # type: ignore[method-assign]
    work.keep(made)
    assert store.has(b"output")
