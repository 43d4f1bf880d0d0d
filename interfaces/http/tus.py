"""A tus 1.0.0 server (https://tus.io/protocols/resumable-upload) under `/uploads`.

Extensions: creation, creation-with-upload, checksum, expiration, termination. Bodies are streamed
and never whole in memory; what arrived before a cut is kept. When the last byte is there, the
answer carries `Upload-Sha256`, and the upload's id (the end of its Location) can be registered.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from application.commands import upload as commands
from application.commands.upload import Uploads
from application.commands.upload_stream import ChunkChecksum, append
from application.storage_full import StorageFull
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode, invalid, not_found
from domain.upload import ChecksumMismatch, OffsetConflict, Upload, UploadBusy, UploadExpired
from interfaces.http import tus_headers
from interfaces.http.refusals import refusal_response
from interfaces.http.tus_headers import CHECKSUM_ALGORITHMS, CHUNK_TYPE, EXTENSIONS, TUS_VERSION

T = TypeVar("T")
Authenticate = Callable[[Request], Awaitable[Principal]]

IDLE_SECONDS = 60.0
"""A client that sends nothing for so long gives up its lock; what came is kept."""

REQUEST_SECONDS = 3_600.0
"""One that sends a byte now and then gives it up after so long; what came is kept."""

DRAINED_BYTES = 80 << 20
DRAIN_SECONDS = 20.0
"""A client that is told of a full disk may hear of it only after it has sent its whole request:
so much, and for so long, is read and dropped, which is a request of our own client and more."""

SMALL_BODY_BYTES = 1 << 16
LARGEST_BYTES = 10_000_000_000

_STATUS: dict[type[Refusal], int] = {
    UploadExpired: 410,
    UploadBusy: 423,
    OffsetConflict: 409,
    ChecksumMismatch: 460,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, in seconds, a request may be silent, and how long it may take in all."""

    idle: float = IDLE_SECONDS
    request: float = REQUEST_SECONDS


PATIENCE = Patience()


def tus_routes(
    uploads: Uploads,
    authenticate: Authenticate,
    *,
    largest_bytes: int = LARGEST_BYTES,
    limiter: anyio.CapacityLimiter | None = None,
    patience: Patience = PATIENCE,
) -> list[Route]:
    """The routes. `authenticate` raises Refusal(UNAUTHENTICATED); `largest_bytes` is what
    OPTIONS tells everybody; `limiter` bounds the threads that files and rows are used in."""
    server = _Server(uploads, authenticate, largest_bytes, limiter, patience)
    every = ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE"]
    return [
        Route("/uploads", server.collection, methods=every, name="uploads"),
        Route("/uploads/{upload_id}", server.single, methods=every, name="upload"),
    ]


@dataclass(frozen=True, slots=True)
class _Server:
    uploads: Uploads
    authenticate: Authenticate
    largest_bytes: int
    limiter: anyio.CapacityLimiter | None
    patience: Patience

    async def collection(self, request: Request) -> Response:
        return await self._answer(request, {"POST": self._create})

    async def single(self, request: Request) -> Response:
        actions = {"HEAD": self._head, "PATCH": self._patch, "DELETE": self._delete}
        return await self._answer(request, actions)

    async def _answer(self, request: Request, actions: "Actions") -> Response:
        body = _Body(request, self.patience)
        try:
            response = await self._dispatch(request, body, actions)
        except Refusal as refusal:
            if isinstance(refusal, StorageFull):
                await body.drain()
            headers = {"Cache-Control": "no-store"}
            if isinstance(refusal, OffsetConflict):
                headers["Upload-Offset"] = str(refusal.offset)
            response = refusal_response(refusal, _STATUS.get(type(refusal)), headers)
        if body.remains:
            # Otherwise the server would go on reading, and dropping, whatever still comes.
            response.headers["Connection"] = "close"
        response.headers["Tus-Resumable"] = TUS_VERSION
        return response

    async def _dispatch(self, request: Request, body: "_Body", actions: "Actions") -> Response:
        if request.method == "OPTIONS":
            return self._options()
        action = actions.get(request.method)
        if action is None:
            allowed = ", ".join(["OPTIONS", *actions])
            refusal = invalid("method", f"This address understands {allowed}.")
            return refusal_response(refusal, 405, {"Allow": allowed})
        if request.headers.get("Tus-Resumable") != TUS_VERSION:
            refusal = invalid("Tus-Resumable", f"Send the header Tus-Resumable: {TUS_VERSION}.")
            return refusal_response(refusal, 412, {"Tus-Version": TUS_VERSION})
        return await action(request, body, await self.authenticate(request))

    def _options(self) -> Response:
        headers = {
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self.largest_bytes),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
        }
        return Response(status_code=204, headers=headers)

    async def _create(self, request: Request, body: "_Body", principal: Principal) -> Response:
        wanted = tus_headers.creation(request.headers)
        with_bytes = _content_type(request) == CHUNK_TYPE and body.declared != 0
        checksum = tus_headers.checksum(request.headers) if with_bytes else None
        if with_bytes and body.declared is not None and body.declared > wanted.length:
            raise Refusal(
                RefusalCode.TOO_LARGE, "The body is longer than Upload-Length.", "Upload-Length"
            )
        upload = await self._run(commands.create, self.uploads, principal, wanted)
        if with_bytes:
            upload = await self._append_first(principal, upload, body, checksum)
        location = f"{request.scope.get('root_path', '')}/uploads/{upload.id}"
        headers = {"Location": location, **tus_headers.state(upload)}
        return Response(status_code=201, headers=headers)

    async def _append_first(
        self,
        principal: Principal,
        upload: Upload,
        body: "_Body",
        checksum: ChunkChecksum | None,
    ) -> Upload:
        """A client that hears no Location cannot come back: then nothing is kept."""
        chunks = body.chunks()
        try:
            upload = await append(
                self.uploads, principal, upload.id, 0, chunks, checksum, limiter=self.limiter
            )
        except Refusal:
            await self._run(commands.remove, self.uploads, upload)
            raise
        if body.cut and not upload.arrived:
            await self._run(commands.remove, self.uploads, upload)
        return upload

    async def _head(self, request: Request, body: "_Body", principal: Principal) -> Response:
        upload = await self._run(commands.find, self.uploads, principal, _upload_id(request))
        headers = {**tus_headers.state(upload), **tus_headers.description(upload)}
        return Response(headers={"Cache-Control": "no-store", **headers})

    async def _patch(self, request: Request, body: "_Body", principal: Principal) -> Response:
        if _content_type(request) != CHUNK_TYPE:
            return refusal_response(invalid("Content-Type", f"Send {CHUNK_TYPE}."), 415)
        upload = await append(
            self.uploads,
            principal,
            _upload_id(request),
            tus_headers.number(request.headers, "Upload-Offset"),
            body.chunks(),
            tus_headers.checksum(request.headers),
            declared=body.declared,
            limiter=self.limiter,
        )
        return Response(status_code=204, headers=tus_headers.state(upload))

    async def _delete(self, request: Request, body: "_Body", principal: Principal) -> Response:
        await self._run(commands.terminate, self.uploads, principal, _upload_id(request))
        return Response(status_code=204)

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self.limiter)


Actions = Mapping[str, Callable[[Request, "_Body", Principal], Awaitable[Response]]]


class _Body:
    """A request's body. `cut` is set when the client went away, fell silent or took too long."""

    def __init__(self, request: Request, patience: Patience) -> None:
        self._request, self._patience = request, patience
        self._stream: AsyncGenerator[bytes, None] | None = None
        self.cut = False
        self._read = False

    @property
    def declared(self) -> int | None:
        return tus_headers.declared_size(self._request.headers)

    @property
    def remains(self) -> bool:
        """Whether more may still come than is worth reading and dropping."""
        if self._read or self._request.method not in {"POST", "PATCH", "PUT"}:
            return self.cut
        length = self._request.headers.get("content-length", "")
        if not length:
            return "transfer-encoding" in self._request.headers
        return int(length) > SMALL_BODY_BYTES

    async def chunks(self) -> AsyncIterator[bytes]:
        """Ends early, without an error, when the client is cut off."""
        stream = self._stream = self._request.stream()
        until = anyio.current_time() + self._patience.request
        while True:
            left = until - anyio.current_time()
            try:
                with anyio.fail_after(min(self._patience.idle, left)):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                self._read = True
                return
            except (ClientDisconnect, TimeoutError):
                self.cut = True
                return
            if chunk:
                yield chunk

    async def drain(self) -> None:
        """Reads and drops what is still coming, within bounds."""
        if self._stream is None or self._read:
            return
        dropped = 0
        with anyio.move_on_after(DRAIN_SECONDS), suppress(ClientDisconnect):
            async for chunk in self._stream:
                dropped += len(chunk)
                if dropped > DRAINED_BYTES:
                    return
            self._read = True


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _upload_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["upload_id"])
    except ValueError:
        raise not_found("upload") from None
