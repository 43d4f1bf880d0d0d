"""What every blob store promises: local folder, S3 and memory alike."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import obstore
import pytest

from application.ports.blobs import BlobCorrupt, BlobMissing, Blobs, StoredBlob
from domain.blob import BlobRef
from domain.refusal import Refusal
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.memory import MemoryBlobs
from infrastructure.blobs.s3 import PART_BYTES, S3Blobs, S3Links
from tests.upload_services import s3_bucket  # noqa: F401

TENANT = uuid4()
Put = Callable[[bytes], BlobRef]


@pytest.fixture(params=["local", "s3", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "local":
        return LocalBlobs(tmp_path / "blobs")
    if request.param == "memory":
        return MemoryBlobs()
    return S3Blobs(request.getfixturevalue("s3_bucket"), f"{uuid4()}/")


@pytest.fixture
def put(blobs: Blobs, tmp_path: Path) -> Put:
    def put(content: bytes) -> BlobRef:
        path = tmp_path / "source"
        path.write_bytes(content)
        return blobs.put_file(TENANT, path)

    return put


def read(blobs: Blobs, sha256: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join(blobs.read(TENANT, sha256, start, length))


def test_a_stored_file_is_named_by_its_sha256_and_read_back(blobs: Blobs, put: Put) -> None:
    ref = put(b"a model")
    assert ref == BlobRef(hashlib.sha256(b"a model").hexdigest(), 7)
    assert blobs.size(TENANT, ref.sha256) == 7
    assert read(blobs, ref.sha256) == b"a model"


def test_an_empty_file_is_a_blob(blobs: Blobs, put: Put) -> None:
    ref = put(b"")
    assert blobs.size(TENANT, ref.sha256) == 0
    assert read(blobs, ref.sha256) == b""


def test_storing_the_same_bytes_again_changes_nothing(blobs: Blobs, put: Put) -> None:
    assert put(b"twice") == put(b"twice")


@pytest.mark.parametrize(("start", "length"), [(0, 3), (2, None), (2, 0), (5, 100), (10, 5)])
def test_any_range_is_read_as_of_a_file(
    blobs: Blobs, put: Put, start: int, length: int | None
) -> None:
    ref = put(b"0123456789")
    end = None if length is None else start + length
    assert read(blobs, ref.sha256, start, length) == b"0123456789"[start:end]


def test_a_blob_of_several_parts_keeps_its_bytes(blobs: Blobs, put: Put) -> None:
    content = hashlib.sha256(b"seed").digest() * ((2 * PART_BYTES + 4096) // 32)
    ref = put(content)
    assert read(blobs, ref.sha256) == content
    assert read(blobs, ref.sha256, PART_BYTES - 5, 10) == content[PART_BYTES - 5 : PART_BYTES + 5]


def test_another_tenant_does_not_have_the_blob(blobs: Blobs, put: Put) -> None:
    ref = put(b"mine")
    other = uuid4()
    assert blobs.size(other, ref.sha256) is None
    with pytest.raises(BlobMissing):
        list(blobs.read(other, ref.sha256))


def test_a_checked_out_copy_is_private_and_writable(blobs: Blobs, put: Put, tmp_path: Path) -> None:
    ref = put(b"original")
    into = tmp_path / "copy"
    blobs.checkout(TENANT, ref.sha256, into)
    into.write_bytes(b"changed")
    assert into.stat().st_mode & 0o777 == 0o600
    assert read(blobs, ref.sha256) == b"original"


def test_what_was_deleted_is_gone_and_deleting_again_is_no_error(blobs: Blobs, put: Put) -> None:
    ref = put(b"short-lived")
    blobs.delete(TENANT, ref.sha256)
    blobs.delete(TENANT, ref.sha256)
    assert blobs.size(TENANT, ref.sha256) is None
    with pytest.raises(BlobMissing):
        list(blobs.read(TENANT, ref.sha256))


def test_every_blob_of_every_tenant_is_listed_once_with_its_size(
    blobs: Blobs, put: Put, tmp_path: Path
) -> None:
    other = uuid4()
    mine = [put(content) for content in (b"one", b"second", b"one")]
    theirs = blobs.put_file(other, tmp_path / "source")
    assert set(blobs.stored()) == {
        StoredBlob(TENANT, mine[0].sha256, 3),
        StoredBlob(TENANT, mine[1].sha256, 6),
        StoredBlob(other, theirs.sha256, 3),
    }
    assert len(list(blobs.stored())) == 3
    blobs.delete(TENANT, mine[1].sha256)
    assert mine[1].sha256 not in {blob.sha256 for blob in blobs.stored()}


def test_tidying_an_orderly_store_frees_nothing(blobs: Blobs, put: Put) -> None:
    ref = put(b"whole")
    assert blobs.tidy(timedelta(0)) == 0
    assert read(blobs, ref.sha256) == b"whole"


def test_leftovers_of_writes_are_removed_once_they_are_old(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    left = tmp_path / "blobs" / "incoming" / "broken-off"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"12345")
    assert blobs.tidy(timedelta(hours=1)) == 0
    assert blobs.tidy(timedelta(0)) == 5
    assert not left.exists()


@pytest.mark.parametrize("address", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_an_address_that_is_no_sha256_reaches_nothing(blobs: Blobs, address: str) -> None:
    assert blobs.size(TENANT, address) is None
    with pytest.raises(BlobMissing):
        read(blobs, address)


def test_a_checkout_of_damaged_bytes_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    (tmp_path / "source").write_bytes(b"intact")
    ref = blobs.put_file(TENANT, tmp_path / "source")
    stored = tmp_path / "blobs" / str(TENANT) / ref.sha256[:2] / ref.sha256
    stored.write_bytes(b"rotten")
    with pytest.raises(BlobCorrupt):
        blobs.checkout(TENANT, ref.sha256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_local_store_leaves_nothing_beside_its_blobs(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    (tmp_path / "source").write_bytes(b"x")
    ref = blobs.put_file(TENANT, tmp_path / "source")
    files = [path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert files == [ref.sha256]


def s3_with(content: bytes, store: object, tmp_path: Path) -> tuple[S3Blobs, BlobRef]:
    blobs = S3Blobs(store, f"{uuid4()}/")  # type: ignore[arg-type]
    (tmp_path / "source").write_bytes(content)
    return blobs, blobs.put_file(TENANT, tmp_path / "source")


def test_bytes_of_another_sha256_never_become_an_s3_object(
    s3_bucket: obstore.store.S3Store,  # noqa: F811
) -> None:
    blobs = S3Blobs(s3_bucket, f"{uuid4()}/")
    ref = BlobRef("0" * 64, 3)
    with pytest.raises(BlobCorrupt):
        blobs.put_blocks(TENANT, ref, iter([b"abc"]))
    assert blobs.size(TENANT, ref.sha256) is None


def test_a_presigned_link_gives_ranges_straight_from_s3_and_no_other_object(
    s3_bucket: obstore.store.S3Store,  # noqa: F811
    tmp_path: Path,
) -> None:
    blobs, ref = s3_with(b"0123456789", s3_bucket, tmp_path)
    url = S3Links(s3_bucket, blobs.prefix).link(TENANT, ref.sha256, "model.onnx")
    part = httpx.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-disposition"] == "attachment"
    assert httpx.get(url.replace(ref.sha256, "0" * 64)).status_code == 403


def test_a_link_may_not_outlive_seven_days(
    s3_bucket: obstore.store.S3Store,  # noqa: F811
) -> None:
    with pytest.raises(Refusal) as refused:
        S3Links(s3_bucket).link(UUID(int=1), "0" * 64, "model.onnx", timedelta(days=8))
    assert refused.value.field == "expiresIn"
