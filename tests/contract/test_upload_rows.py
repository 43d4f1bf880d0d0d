"""What the rows of uploads promise: PostgreSQL and memory alike."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.commands import upload as commands
from application.commands.upload import UploadRequest, Uploads
from application.ports.uploads import Durable, UploadTable
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.upload import OffsetConflict, Upload
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.uploads.memory import MemoryUploads
from tests.upload_services import uploads_database, uploads_url  # noqa: F401

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["memory", "postgres"])
def rows(request: pytest.FixtureRequest) -> UploadTable:
    if request.param == "memory":
        return MemoryUploads()
    return PostgresUploads(request.getfixturevalue("uploads_database"))


def an_upload(**changes: object) -> Upload:
    base = commands.create(
        Uploads(MemoryUploads(), None, lambda _: 10**9, lambda: START),  # type: ignore[arg-type]
        Principal(uuid4(), "key:1", Role.OPERATOR),
        UploadRequest(100, "größe.onnx", "DATASET", "a" * 64),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_row_is_read_back_as_it_was_added(rows: UploadTable) -> None:
    upload = an_upload()
    rows.add(upload, 20)
    assert rows.get(upload.tenant_id, upload.id) == upload
    assert rows.get(uuid4(), upload.id) is None


def test_of_two_advances_from_one_offset_the_second_conflicts(rows: UploadTable) -> None:
    upload = an_upload()
    rows.add(upload, 20)
    moved = rows.advance(upload, Durable(40, ("a",)))
    assert (moved.offset, moved.parts) == (40, ("a",))
    with pytest.raises(OffsetConflict) as conflict:
        rows.advance(upload, Durable(50, ("b",)))
    assert conflict.value.offset == 40
    assert rows.advance(moved, Durable(100, ("c",))).parts == ("a", "c")


def test_completing_twice_keeps_the_first_time(rows: UploadTable) -> None:
    upload = an_upload()
    rows.add(upload, 20)
    upload = rows.advance(upload, Durable(100))
    week = START + timedelta(days=7)
    done = rows.complete(upload, "b" * 64, START, week)
    again = rows.complete(upload, "b" * 64, START + timedelta(hours=1), week + timedelta(hours=1))
    assert done == again
    assert done.expires_at == week
    assert (done.sha256, done.completed_at, done.parts) == ("b" * 64, START, ())


def test_the_twenty_first_open_upload_is_refused_and_expired_ones_do_not_count(
    rows: UploadTable,
) -> None:
    first = an_upload()
    for _ in range(20):
        rows.add(replace(first, id=uuid4()), 20)
    with pytest.raises(Refusal) as refused:
        rows.add(first, 20)
    assert refused.value.code is RefusalCode.QUOTA_EXCEEDED
    rows.add(replace(first, id=uuid4(), created_at=START + timedelta(days=2)), 20)
    rows.add(an_upload(), 20)


def test_a_completed_upload_expires_later_than_an_unfinished_one(rows: UploadTable) -> None:
    old, done = an_upload(), an_upload()
    rows.add(old, 20)
    rows.add(done, 20)
    week = START + timedelta(days=7)
    rows.complete(rows.advance(done, Durable(100)), "b" * 64, START, week)
    expired = [upload.id for upload in rows.expired(START + timedelta(days=2), 1_000)]
    assert old.id in expired
    assert done.id not in expired
    assert done.id in [upload.id for upload in rows.expired(week, 1_000)]
