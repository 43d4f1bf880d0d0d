"""What devices check and fetch before they install it (`edge.protocol.calls`):

    GET /devices/trusted-root          the newest root, in a signed statement
    GET /devices/tuf/{file}            TUF metadata of the device's tenant
    GET /devices/targets/{sha256}      the bytes of a published target, with ranges

Signed calls, all of them. A device sees its own tenant's alone, and only what is published.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from application.device_access import DeviceAccess
from application.platform import Platform
from application.ports.downloads import DownloadGrant
from application.ports.trusted_targets import TrustRole
from domain.refusal import not_found
from edge.protocol.calls import root_statement
from edge.protocol.topics import Address
from interfaces.http.downloads import BlobFiles

_FILE = re.compile(r"(?:([1-9][0-9]{0,8})\.(root|targets|snapshot)|(timestamp))\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


@dataclass
class DeviceTrustRoutes:
    """The routes of one application."""

    platform: Platform
    access: DeviceAccess
    threads: int = 8

    def __post_init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/devices/trusted-root", self._root, methods=["GET"]),
            Route("/devices/tuf/{file}", self._metadata, methods=["GET"]),
            Route("/devices/targets/{sha256}", self._target, methods=["GET"]),
        ]

    async def _root(self, request: Request) -> Response:
        address = await self._caller(request)
        root = await self._run(partial(self.platform.trusted_targets.root, address.tenant))
        key = self.access.authority.statement_key()
        return JSONResponse(
            root_statement(address, root, key), headers={"Cache-Control": "no-store"}
        )

    async def _metadata(self, request: Request) -> Response:
        address = await self._caller(request)
        asked = _FILE.fullmatch(request.path_params["file"])
        if asked is None:
            raise not_found("metadata", "file")
        version = int(asked[1]) if asked[1] else None
        found = await self._run(
            partial(
                self.platform.trusted_targets.metadata,
                address.tenant,
                TrustRole(asked[2] or asked[3]),
                version,
            )
        )
        if found is None:
            raise not_found("metadata", "file")
        return Response(found, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _target(self, request: Request) -> Response:
        address, sha256 = await self._caller(request), request.path_params["sha256"]
        targets, now = self.platform.trusted_targets, self.platform.now()
        if not _SHA256.fullmatch(sha256) or (
            await self._run(partial(targets.published, address.tenant, sha256)) is None
        ):
            raise not_found("target", "sha256")
        grant = DownloadGrant(address.tenant, sha256, sha256, "application/octet-stream", now)
        return await BlobFiles(self.platform.blobs).response(request, grant)

    async def _caller(self, request: Request) -> Address:
        header = request.headers.get("authorization", "")
        return await self._run(
            partial(self.access.caller, header, request.method, request.url.path)
        )

    async def _run(self, work: Callable[[], T]) -> T:
        if self._limiter is None:
            self._limiter = CapacityLimiter(self.threads)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)
