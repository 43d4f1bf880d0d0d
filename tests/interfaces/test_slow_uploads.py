"""A request body that stalls or never ends gives up its connection; its bytes are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from application.commands import upload as commands
from application.commands.upload import UploadRequest, Uploads
from domain.principal import Principal, Role
from infrastructure.blobs.local import LocalBlobs
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.memory import MemoryUploads
from interfaces.http.tus import Patience, tus_routes
from tests.patience import PATIENCE

PRINCIPAL = Principal(uuid4(), "key:1", Role.OPERATOR)
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def authenticate(request: Request) -> Principal:
    return PRINCIPAL


async def patched(app: Starlette, path: str, receive: Receive) -> dict[str, Any]:
    """The start of the answer to a PATCH whose body is what `receive` gives."""
    headers = {
        "tus-resumable": "1.0.0",
        "upload-offset": "0",
        "content-type": "application/offset+octet-stream",
        "transfer-encoding": "chunked",
    }
    scope = {
        "type": "http",
        "method": "PATCH",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    return {**said[0], "headers": dict(said[0]["headers"])}


@pytest.mark.parametrize("drips", [1, 1_000_000], ids=["stalls", "never ends"])
def test_the_connection_is_given_up_and_the_bytes_are_kept(drips: int, tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    staging = LocalStaging(tmp_path / "staging", blobs)
    uploads = Uploads(MemoryUploads(), staging, lambda tenant: 10**9)
    routes = tus_routes(uploads, authenticate, patience=Patience(idle=1.0, request=2.0))
    upload = commands.create(uploads, PRINCIPAL, UploadRequest(10**8, "model.onnx", "model"))
    given = 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given >= drips:
            await asyncio.sleep(3600)
        await asyncio.sleep(0.01)
        given += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    answer = asyncio.run(
        asyncio.wait_for(
            patched(Starlette(routes=routes), f"/uploads/{upload.id}", receive), PATIENCE
        )
    )
    assert answer["status"] == 204
    assert answer["headers"][b"connection"] == b"close"
    assert int(answer["headers"][b"upload-offset"]) == given >= 1
    kept = uploads.rows.get(PRINCIPAL.tenant_id, upload.id)
    assert kept is not None
    assert kept.offset == given
    staging.writer(upload).close()  # nobody holds the lock any more
