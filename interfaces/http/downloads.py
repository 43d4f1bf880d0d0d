"""Downloads by signed URL: `/downloads/{token}/{file_name}`, no other credentials needed.

The token says which bytes, under which name and until when; the name in the path is for people
and counts for nothing. Bytes are served as an attachment that no browser may render, with Range,
HEAD and the sha256 as a strong ETag, so that a device can resume where it was cut.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from application.ports.blobs import BlobReader
from application.ports.downloads import DownloadGrant, DownloadGrants, LinkExpired
from domain.refusal import Refusal, not_found
from interfaces.http.byte_range import ByteRange, Unsatisfiable, byte_range
from interfaces.http.refusals import refusal_response


def download_routes(blobs: BlobReader, grants: DownloadGrants) -> list[Route]:
    """The route that serves what `grants` signed, out of `blobs`."""
    server = _Server(BlobFiles(blobs), grants)
    return [Route("/downloads/{token}/{file_name}", server.get, methods=["GET"], name="download")]


@dataclass(frozen=True, slots=True)
class _Server:
    files: "BlobFiles"
    grants: DownloadGrants

    async def get(self, request: Request) -> Response:
        try:
            grant = self.grants.open(request.path_params["token"])
            return await self.files.response(request, grant)
        except Refusal as refusal:
            status = 410 if isinstance(refusal, LinkExpired) else None
            return refusal_response(refusal, status, {"Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True)
class BlobFiles:
    """Blobs as files over HTTP."""

    blobs: BlobReader

    async def response(self, request: Request, grant: DownloadGrant) -> Response:
        """What the request asks for of it. Raises Refusal(NOT_FOUND)."""
        size = await anyio.to_thread.run_sync(self.blobs.size, grant.tenant_id, grant.sha256)
        if size is None:
            raise not_found("file", "token")
        headers = _headers(grant)
        if _holds(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        try:
            wanted = byte_range(_range_header(request, headers["ETag"]), size)
        except Unsatisfiable:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        part = wanted or ByteRange(0, size)
        headers["Content-Length"] = str(part.length)
        if wanted:
            headers["Content-Range"] = wanted.content_range(size)
        status = 206 if wanted else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=grant.media_type)
        return StreamingResponse(
            self._blocks(grant, part), status, headers, media_type=grant.media_type
        )

    async def _blocks(self, grant: DownloadGrant, part: ByteRange) -> AsyncIterator[bytes]:
        blocks = await anyio.to_thread.run_sync(
            self.blobs.read, grant.tenant_id, grant.sha256, part.start, part.length
        )
        async for block in iterate_in_threadpool(blocks):
            yield block


def content_disposition(file_name: str) -> str:
    """`attachment` with a plain name for old clients and the real one by RFC 5987."""
    plain = "".join(
        character
        if character.isascii() and character.isprintable() and character not in '"\\%'
        else "_"
        for character in file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def _headers(grant: DownloadGrant) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=0, must-revalidate",
        "Content-Disposition": content_disposition(grant.file_name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{grant.sha256}"',
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _range_header(request: Request, etag: str) -> str | None:
    """The Range, unless If-Range says that it is of other bytes than these."""
    condition = request.headers.get("if-range")
    return request.headers.get("range") if condition in (None, etag) else None


def _holds(listed: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in listed.split(",")}
    return etag in tags or "*" in tags
