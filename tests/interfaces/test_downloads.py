"""Downloads by signed URL, from a real server."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from domain.refusal import Refusal
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.signed_links import SignedLinks
from interfaces.http.byte_range import ByteRange, Unsatisfiable, byte_range
from tests.upload_services import Server, lasting_server, uploads_url  # noqa: F401

TENANT = uuid4()
CONTENT = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def sha256(lasting_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: F811
    source = tmp_path_factory.mktemp("source") / "file"
    source.write_bytes(CONTENT)
    return LocalBlobs(lasting_server.folder / "blobs").put_file(TENANT, source).sha256


@pytest.fixture
def links(lasting_server: Server) -> SignedLinks:  # noqa: F811
    return SignedLinks("a key for tests", lasting_server.url)


@pytest.fixture
def url(links: SignedLinks, sha256: str) -> str:
    return links.link(TENANT, sha256, "größe.onnx")


def test_a_link_gives_the_whole_file_as_an_attachment(url: str, sha256: str) -> None:
    answer = httpx.get(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["ETag"] == f'"{sha256}"'
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"gr__e.onnx\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.onnx"
    )


def test_head_tells_the_same_without_the_bytes(url: str) -> None:
    answer = httpx.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_download_goes_on_where_it_was_cut(url: str, sha256: str) -> None:
    rest = httpx.get(url, headers={"Range": "bytes=2000000-", "If-Range": f'"{sha256}"'})
    assert (rest.status_code, rest.content) == (206, CONTENT[2_000_000:])
    assert rest.headers["Content-Range"] == "bytes 2000000-2999999/3000000"
    other = httpx.get(url, headers={"Range": "bytes=2000000-", "If-Range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, len(CONTENT))


def test_a_range_outside_the_file_is_not_satisfiable(url: str) -> None:
    answer = httpx.get(url, headers={"Range": "bytes=3000000-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */3000000")


def test_bytes_that_the_client_has_are_not_sent_again(url: str, sha256: str) -> None:
    answer = httpx.get(url, headers={"If-None-Match": f'W/"x", "{sha256}"'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_expired_link_says_so(lasting_server: Server, sha256: str) -> None:  # noqa: F811
    earlier = datetime.now(UTC) - timedelta(minutes=16)
    links = SignedLinks("a key for tests", lasting_server.url, lambda: earlier)
    answer = httpx.get(links.link(TENANT, sha256, "model.onnx"))
    assert answer.status_code == 410
    assert "expired" in answer.json()["error"]["message"]
    longer = links.link(TENANT, sha256, "model.onnx", timedelta(minutes=17))
    assert httpx.get(longer).status_code == 200


def test_a_link_that_was_changed_or_signed_elsewhere_is_refused(
    url: str,
    lasting_server: Server,  # noqa: F811
    sha256: str,
) -> None:
    base, token, name = url.rsplit("/", 2)
    changed = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    assert httpx.get(f"{base}/{changed}/{name}").status_code == 403
    foreign = SignedLinks("another key", lasting_server.url).link(TENANT, sha256, "model.onnx")
    answer = httpx.get(foreign)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


def test_the_name_in_the_path_does_not_name_the_file(url: str) -> None:
    answer = httpx.get(url.rsplit("/", 1)[0] + "/virus.exe")
    assert "onnx" in answer.headers["Content-Disposition"]


def test_a_link_to_what_is_not_there_is_not_found(links: SignedLinks, sha256: str) -> None:
    assert httpx.get(links.link(TENANT, "0" * 64, "model.onnx")).status_code == 404
    assert httpx.get(links.link(uuid4(), sha256, "model.onnx")).status_code == 404


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=7, seconds=1), timedelta(days=-1)])
def test_a_link_lives_between_a_second_and_seven_days(links: SignedLinks, life: timedelta) -> None:
    with pytest.raises(Refusal) as refused:
        links.link(UUID(int=1), "0" * 64, "model.onnx", life)
    assert refused.value.field == "expiresIn"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-", ByteRange(2, 8)),
        ("bytes=-3", ByteRange(7, 3)),
        ("bytes=-99", ByteRange(0, 10)),
        ("bytes=5-99", ByteRange(5, 5)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        (None, None),
    ],
)
def test_a_range_is_read_by_the_rfc(header: str | None, expected: ByteRange | None) -> None:
    assert byte_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_beyond_the_end_is_unsatisfiable(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        byte_range(header, 10)


def test_a_download_under_way_outlives_the_deletion_of_its_blob(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    (tmp_path / "source").write_bytes(b"held open")
    ref = blobs.put_file(TENANT, tmp_path / "source")
    blocks = blobs.read(TENANT, ref.sha256)
    blobs.delete(TENANT, ref.sha256)
    assert b"".join(blocks) == b"held open"
