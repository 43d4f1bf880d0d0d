"""Uploads by tus against a real server: what a client sees, with cut connections."""

import base64
import hashlib
import os
from uuid import uuid4

import httpx
import pytest

from infrastructure.postgres.database import Database
from tests.interfaces.tus_caller import CHUNK, MB, Caller, encoded, error
from tests.patience import eventually
from tests.upload_services import Server, lasting_server, uploads_database, uploads_url  # noqa: F401


@pytest.fixture
def caller(lasting_server: Server) -> Caller:  # noqa: F811
    return Caller(lasting_server)


def test_options_tell_what_the_server_can(caller: Caller) -> None:
    answer = httpx.options(f"{caller.server.url}/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert "creation-with-upload" in answer.headers["Tus-Extension"]
    assert int(answer.headers["Tus-Max-Size"]) == 10_000_000_000


def test_a_file_in_two_chunks_becomes_a_blob(caller: Caller) -> None:
    url = caller.created(10)
    first = caller.patch(url, 0, b"01234")
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5")
    assert "GMT" in first.headers["Upload-Expires"]
    head = caller.client.head(url)
    assert head.headers["Upload-Length"] == "10"
    assert head.headers["Cache-Control"] == "no-store"
    assert head.headers["Upload-Metadata"] == encoded(
        {"filename": "model.onnx", "purpose": "MODEL"}
    )
    last = caller.patch(url, 5, b"56789")
    assert last.headers["Upload-Sha256"] == hashlib.sha256(b"0123456789").hexdigest()
    assert caller.client.head(url).headers["Upload-Sha256"] == last.headers["Upload-Sha256"]


def test_creation_can_bring_the_first_bytes(caller: Caller) -> None:
    metadata = encoded({"filename": "a.wav", "purpose": "audio"})
    answer = caller.client.post(
        "/uploads",
        headers={"Upload-Length": "3", "Upload-Metadata": metadata, "Content-Type": CHUNK},
        content=b"abc",
    )
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "3")
    assert answer.headers["Upload-Sha256"] == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\x00b", "control"),
        ("a\nb", "line break"),
        ("‮xnno.exe", "right-to-left override"),
        ("a‏b", "right-to-left mark"),
        ("x" * 256, "too long"),
        ("x" * 10_000, "far too long"),
        ("../../etc/passwd", "path"),
        ("a\\b", "other path"),
        ("..", "folder"),
        ("  ", "blank"),
    ],
)
def test_a_dangerous_file_name_is_refused_by_its_field(
    caller: Caller, name: str, reason: str
) -> None:
    assert error(caller.create(10, filename=name)) == (400, "INVALID", "filename"), reason


def test_what_is_declared_is_checked(caller: Caller) -> None:
    assert error(caller.create(10, purpose="virus")) == (400, "INVALID", "purpose")
    assert error(caller.create(10, sha256="xyz")) == (400, "INVALID", "sha256")
    assert error(caller.create(0)) == (400, "INVALID", "Upload-Length")
    assert error(caller.create(-1)) == (400, "INVALID", "Upload-Length")
    assert error(caller.create("9" * 5_000)) == (400, "INVALID", "Upload-Length")
    assert error(caller.create(3_000_000_000)) == (413, "TOO_LARGE", "Upload-Length")
    broken = caller.client.post(
        "/uploads", headers={"Upload-Length": "1", "Upload-Metadata": "filename %%%"}
    )
    assert error(broken) == (400, "INVALID", "Upload-Metadata")


def test_the_protocol_is_kept_to(caller: Caller) -> None:
    url = caller.created(10)
    without = httpx.patch(caller.server.url + url, headers={"Upload-Offset": "0"})
    assert (without.status_code, without.headers["Tus-Version"]) == (412, "1.0.0")
    wrong_type = caller.patch(url, 0, b"x", **{"Content-Type": "text/plain"})
    assert error(wrong_type) == (415, "INVALID", "Content-Type")
    assert error(caller.patch(url, -1, b"x")) == (400, "INVALID", "Upload-Offset")
    elsewhere = caller.patch(url, 3, b"x")
    assert error(elsewhere) == (409, "CONFLICT", "Upload-Offset")
    assert elsewhere.headers["Upload-Offset"] == "0"
    unknown = caller.client.put(url)
    assert (unknown.status_code, unknown.headers["Allow"]) == (405, "OPTIONS, HEAD, PATCH, DELETE")
    assert unknown.headers["Tus-Resumable"] == "1.0.0"


def test_strangers_and_viewers_are_kept_out(caller: Caller) -> None:
    url = caller.created(10)
    caller.client.headers["Authorization"] = ""
    assert error(caller.patch(url, 0, b"x"))[:2] == (401, "UNAUTHENTICATED")
    viewer = Caller(caller.server, "VIEWER")
    assert error(viewer.create(10))[:2] == (403, "FORBIDDEN")


def test_another_tenants_upload_is_not_there(caller: Caller) -> None:
    url, other = caller.created(10), Caller(caller.server)
    assert other.client.head(url).status_code == 404
    assert error(other.patch(url, 0, b"x")) == (404, "NOT_FOUND", "id")
    assert error(other.client.delete(url)) == (404, "NOT_FOUND", "id")
    assert error(other.client.delete(f"/uploads/{uuid4()}")) == (404, "NOT_FOUND", "id")
    assert error(other.client.delete("/uploads/none")) == (404, "NOT_FOUND", "id")


def test_a_chunk_that_was_damaged_on_the_way_is_thrown_away(caller: Caller) -> None:
    url = caller.created(6)
    good = base64.b64encode(hashlib.sha1(b"abc").digest()).decode()
    damaged = caller.patch(url, 0, b"abX", **{"Upload-Checksum": f"sha1 {good}"})
    assert error(damaged) == (460, "INVALID", "Upload-Checksum")
    assert caller.offset(url) == 0
    assert caller.patch(url, 0, b"abc", **{"Upload-Checksum": f"sha1 {good}"}).status_code == 204
    odd = caller.patch(url, 3, b"def", **{"Upload-Checksum": "md5 AAAA"})
    assert error(odd) == (400, "INVALID", "Upload-Checksum")


def test_a_file_with_another_sha256_than_promised_is_removed(caller: Caller) -> None:
    url = caller.created(3, sha256=hashlib.sha256(b"abc").hexdigest())
    assert error(caller.patch(url, 0, b"abX")) == (460, "INVALID", "sha256")
    assert caller.client.head(url).status_code == 404


def test_a_longer_body_than_declared_is_refused_and_not_kept(caller: Caller) -> None:
    url = caller.created(10)
    assert error(caller.patch(url, 0, b"x" * 11)) == (413, "TOO_LARGE", "Upload-Length")
    endless = caller.patch(url, 0, (b"x" * 4 for _ in range(5)))
    assert error(endless) == (413, "TOO_LARGE", "Upload-Length")
    assert caller.offset(url) == 0


def test_an_expired_upload_is_gone(
    caller: Caller,
    uploads_database: Database,  # noqa: F811
) -> None:
    url = caller.created(10)
    with uploads_database.tenant(caller.tenant) as connection:
        connection.execute("UPDATE uploads SET expires_at = now()")
    assert caller.client.head(url).status_code == 410
    assert error(caller.patch(url, 0, b"x")) == (410, "INVALID_STATE", "id")


def test_a_deleted_upload_is_not_there_any_more(caller: Caller) -> None:
    url = caller.created(10)
    caller.patch(url, 0, b"01234")
    assert caller.client.delete(url).status_code == 204
    assert caller.client.head(url).status_code == 404


def test_the_twenty_first_open_upload_is_refused(caller: Caller) -> None:
    for _ in range(20):
        caller.created(10)
    assert error(caller.create(10))[:2] == (429, "QUOTA_EXCEEDED")


def test_what_came_before_the_connection_was_cut_is_kept(caller: Caller) -> None:
    content = os.urandom(3 * MB + 77)
    url = caller.created(len(content))
    connection = caller.open_patch(url, 0, len(content))
    connection.sendall(content[: 2 * MB + 5])
    connection.close()
    eventually(lambda: caller.offset(url) == 2 * MB + 5)
    done = caller.patch(url, 2 * MB + 5, content[2 * MB + 5 :])
    assert done.headers["Upload-Sha256"] == hashlib.sha256(content).hexdigest()


def test_while_one_request_writes_another_is_told_to_wait(caller: Caller) -> None:
    content = os.urandom(3 * MB)
    url = caller.created(len(content))
    connection = caller.open_patch(url, 0, len(content))
    connection.sendall(content[: 2 * MB])
    staged = caller.server.folder / "staging" / str(caller.tenant) / url.rsplit("/")[-1]
    eventually(lambda: staged.exists() and staged.stat().st_size)  # it has the lock, and writes

    def another() -> tuple[int, str, str | None]:
        offset = caller.offset(url)  # it may move meanwhile
        return error(caller.patch(url, offset, content[offset:]))

    assert eventually(lambda: another() == (423, "CONFLICT", "id"))
    assert error(caller.client.delete(url)) == (423, "CONFLICT", "id")
    connection.sendall(content[2 * MB :])
    assert b" 204 " in connection.recv(4096)
    connection.close()
    assert caller.offset(url) == len(content)
