"""What uploading promises, on whichever rows and staging: no acknowledged byte is lost."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import obstore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.commands import upload as commands
from application.commands.upload import UploadRequest, Uploads
from application.commands.upload_stream import ChunkChecksum, append
from application.ports.blobs import BlobReader
from application.ports.uploads import Staged, StagedBytesLost, Staging, UploadTable
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.upload import ChecksumMismatch, OffsetConflict, Upload, UploadBusy, UploadExpired
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.s3 import PART_BYTES, S3Blobs
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.memory import MemoryUploads
from infrastructure.uploads.object_staging import ObjectStaging
from tests.upload_services import s3_bucket, uploads_database, uploads_url  # noqa: F401

START = datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    """One tenant with uploads on some rows and some staging; `restart` forgets all memory."""

    def __init__(self, rows: UploadTable, kind: str, folder: Path, bucket: object) -> None:
        self.rows, self.kind, self.folder, self.bucket = rows, kind, folder, bucket
        self.now = START
        self.principal = Principal(uuid4(), "key:1", Role.OPERATOR)
        self.prefix = f"{uuid4()}/"
        self.restart()

    def restart(self) -> None:
        self.blobs: BlobReader
        self.staging: Staging
        if self.kind == "local":
            local = LocalBlobs(self.folder / "blobs")
            self.blobs, self.staging = local, LocalStaging(self.folder / "staging", local)
        else:
            s3 = S3Blobs(self.bucket, self.prefix)  # type: ignore[arg-type]
            self.blobs, self.staging = s3, ObjectStaging(s3)
        self.uploads = Uploads(
            self.rows, self.staging, lambda tenant: 100_000_000, lambda: self.now
        )

    def create(self, length: int, sha256: str | None = None) -> Upload:
        request = UploadRequest(length, "model.onnx", "model", sha256)
        return commands.create(self.uploads, self.principal, request)

    def send(
        self, upload: Upload, content: bytes, offset: int, checksum: ChunkChecksum | None = None
    ) -> Upload:
        return asyncio.run(
            append(self.uploads, self.principal, upload.id, offset, pieces(content), checksum)
        )

    def stored(self, upload: Upload) -> bytes:
        assert upload.sha256
        return b"".join(self.blobs.read(self.principal.tenant_id, upload.sha256))

    def scraps(self) -> list[str]:
        """What staging still holds."""
        if self.kind == "local":
            return [str(path) for path in (self.folder / "staging").rglob("*") if path.is_file()]
        found = obstore.list(self.bucket, prefix=self.prefix).collect()  # type: ignore[call-overload]
        return [item["path"] for item in found if "/staging/" in item["path"]]


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]


@pytest.fixture(params=["memory", "postgres"])
def rows(request: pytest.FixtureRequest) -> UploadTable:
    if request.param == "memory":
        return MemoryUploads()
    return PostgresUploads(request.getfixturevalue("uploads_database"))


@pytest.fixture(params=["local", "s3"])
def bench(request: pytest.FixtureRequest, rows: UploadTable, tmp_path: Path) -> Bench:
    bucket = request.getfixturevalue("s3_bucket") if request.param == "s3" else None
    return Bench(rows, request.param, tmp_path, bucket)


def test_chunks_become_one_blob_and_staging_is_emptied(bench: Bench) -> None:
    upload = bench.create(10)
    upload = bench.send(upload, b"0123", 0)
    assert (upload.offset, upload.sha256) == (4, None)
    upload = bench.send(upload, b"456789", 4)
    assert upload.sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert bench.stored(upload) == b"0123456789"
    assert bench.scraps() == []


def test_a_process_that_knows_nothing_goes_on_from_the_acknowledged_offset(bench: Bench) -> None:
    upload = bench.create(10)
    bench.send(upload, b"0123", 0)
    bench.restart()
    assert bench.stored(bench.send(upload, b"456789", 4)) == b"0123456789"


def test_bytes_beyond_the_acknowledged_offset_are_cut_off(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    writer = bench.staging.writer(upload)
    writer.resume(upload)
    writer.write(b"junk")
    writer.flush()
    writer.close()  # and here the process dies, before the row moves
    bench.restart()
    assert bench.stored(bench.send(upload, b"456789", 4)) == b"0123456789"


def test_a_crash_after_publishing_is_finished_by_the_next_look(bench: Bench) -> None:
    upload = bench.create(4)
    writer = bench.staging.writer(upload)
    writer.resume(upload)
    writer.write(b"0123")
    upload = bench.rows.advance(upload, writer.flush())
    writer.close()
    bench.staging.publish(upload, bench.staging.digest(upload))
    bench.restart()
    upload = commands.find(bench.uploads, bench.principal, upload.id)
    assert bench.stored(upload) == b"0123"
    assert bench.scraps() == []


def test_a_chunk_with_a_wrong_checksum_leaves_no_trace(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    wrong = ChunkChecksum("sha256", bytes(32))
    with pytest.raises(ChecksumMismatch):
        bench.send(upload, b"xxxxxx", 4, wrong)
    right = ChunkChecksum("sha1", hashlib.sha1(b"456789").digest())
    assert bench.stored(bench.send(upload, b"456789", 4, right)) == b"0123456789"


def test_a_file_that_is_not_the_promised_one_is_refused_and_removed(bench: Bench) -> None:
    upload = bench.create(4, "0" * 64)
    with pytest.raises(ChecksumMismatch) as mismatch:
        bench.send(upload, b"0123", 0)
    assert mismatch.value.field == "sha256"
    assert bench.rows.get(upload.tenant_id, upload.id) is None
    assert bench.scraps() == []


def test_of_two_writers_at_once_one_wins_and_the_other_is_told(bench: Bench) -> None:
    upload = bench.create(10)

    async def both() -> list[Upload | BaseException]:
        sends = [
            append(bench.uploads, bench.principal, upload.id, 0, pieces(content))
            for content in (b"aaaaa", b"bbbbbbb")
        ]
        return await asyncio.gather(*sends, return_exceptions=True)

    results = asyncio.run(both())
    losers = [result for result in results if isinstance(result, (UploadBusy, OffsetConflict))]
    winners = [result for result in results if isinstance(result, Upload)]
    assert (len(winners), len(losers)) == (1, 1)
    rest = b"-" * (10 - winners[0].offset)
    letter = b"a" if winners[0].offset == 5 else b"b"
    done = bench.send(upload, rest, winners[0].offset)
    assert bench.stored(done) == letter * winners[0].offset + rest


def test_more_than_was_declared_is_refused_and_nothing_beyond_is_kept(bench: Bench) -> None:
    upload = bench.create(10)
    with pytest.raises(Refusal) as refused:
        bench.send(upload, b"0123456789A", 0)
    assert refused.value.code is RefusalCode.TOO_LARGE
    assert bench.stored(bench.send(upload, b"0123456789", 0)) == b"0123456789"


def test_checkpoints_are_acknowledged_while_a_long_chunk_is_still_coming(bench: Bench) -> None:
    size = 5 * PART_BYTES
    upload = bench.create(size)

    async def cut_late() -> AsyncIterator[bytes]:
        for _ in range(size // (1 << 20) - 1):
            yield bytes(1 << 20)
        raise ConnectionError("the process is about to die")

    with pytest.raises(ConnectionError):
        asyncio.run(append(bench.uploads, bench.principal, upload.id, 0, cut_late()))
    row = bench.rows.get(upload.tenant_id, upload.id)
    assert row is not None
    assert row.offset == 4 * PART_BYTES
    bench.restart()
    done = bench.send(upload, bytes(PART_BYTES), row.offset)
    assert done.sha256 == hashlib.sha256(bytes(size)).hexdigest()


def test_an_expired_upload_is_told_so_and_swept_away(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    bench.now = START + timedelta(hours=24)
    with pytest.raises(UploadExpired):
        bench.send(upload, b"456789", 4)
    while commands.sweep(bench.uploads):
        pass
    assert bench.rows.get(upload.tenant_id, upload.id) is None
    assert bench.scraps() == []


def test_a_completed_upload_expires_when_nobody_used_it_for_seven_days(bench: Bench) -> None:
    upload = bench.send(bench.create(1), b"x", 0)
    bench.now = START + timedelta(days=6)
    assert commands.completed(bench.uploads, bench.principal, upload.id).sha256
    bench.now = START + timedelta(days=7)
    with pytest.raises(UploadExpired):
        commands.completed(bench.uploads, bench.principal, upload.id)
    while commands.sweep(bench.uploads):
        pass
    assert bench.rows.get(upload.tenant_id, upload.id) is None


def test_what_waits_is_listed_and_can_be_dropped(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    staged = Staged(upload.tenant_id, upload.id)
    assert list(bench.staging.staged()) == [staged]
    assert bench.staging.drop(staged) == 4
    assert list(bench.staging.staged()) == []
    assert bench.staging.drop(staged) == 0


def test_an_upload_whose_staged_bytes_are_gone_says_so(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    bench.staging.discard(upload)
    with pytest.raises(UploadExpired):
        bench.send(upload, b"456789", 4)


def test_digesting_what_was_lost_raises_instead_of_guessing(bench: Bench) -> None:
    upload = bench.send(bench.create(10), b"0123", 0)
    bench.staging.discard(upload)
    with pytest.raises(StagedBytesLost):
        bench.staging.digest(upload)


def test_a_terminated_upload_is_gone_and_a_completed_one_stays(bench: Bench) -> None:
    open_one = bench.send(bench.create(10), b"0123", 0)
    commands.terminate(bench.uploads, bench.principal, open_one.id)
    assert bench.rows.get(open_one.tenant_id, open_one.id) is None
    assert bench.scraps() == []
    done = bench.send(bench.create(1), b"x", 0)
    with pytest.raises(Refusal) as refused:
        commands.terminate(bench.uploads, bench.principal, done.id)
    assert refused.value.code is RefusalCode.INVALID_STATE
    assert bench.stored(done) == b"x"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), content=st.binary(min_size=1, max_size=4_000))
def test_any_chunks_and_any_cuts_give_the_same_bytes(
    data: st.DataObject, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = Bench(MemoryUploads(), "local", tmp_path_factory.mktemp("cuts"), None)
    upload = bench.create(len(content), hashlib.sha256(content).hexdigest())
    while not upload.arrived:
        left = content[upload.offset :]
        sent = left[: data.draw(st.integers(1, len(left)))]
        if data.draw(st.booleans()):
            _die_after_writing(bench, upload, sent)
            continue
        upload = bench.send(upload, sent, upload.offset)
        if data.draw(st.booleans()):
            bench.restart()
    assert bench.stored(upload) == content


def _die_after_writing(bench: Bench, upload: Upload, sent: bytes) -> None:
    """Bytes reach the disk, but the process dies before the row says so."""
    writer = bench.staging.writer(upload)
    writer.resume(upload)
    writer.write(sent)
    writer.close()
    bench.restart()
