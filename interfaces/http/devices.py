"""What devices ask for over HTTPS (`edge.protocol.calls`):

    POST /devices/join            {code, csr, facts}    a claim code, once
    POST /devices/certificate     {csr}                 the next certificate
    GET  /devices/artifacts/{id}                        an artifact's bytes, with ranges
    PUT  /devices/logs/{command}                        what a command asked for

All but the first are signed calls. Who guesses codes is slowed down by address.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from application.device_access import DeviceAccess
from application.device_files import granted_artifact, keep_log
from application.platform import Platform
from application.ports.throttle import Rate
from domain.refusal import Refusal, RefusalCode, invalid
from edge.protocol.calls import LOG_BYTES
from edge.protocol.topics import Address
from interfaces.http.downloads import BlobFiles
from interfaces.http.given import given_by, text_of

JOINS = Rate(burst=50, every=timedelta(seconds=1))
"""Of one address, counted anew after each join that is good: a site's devices may share one."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class DeviceRoutes:
    """The routes of one application. `broker_url` is where devices connect."""

    platform: Platform
    access: DeviceAccess
    broker_url: Callable[[], str | None]
    threads: int = 8

    def __post_init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/devices/join", self._join, methods=["POST"]),
            Route("/devices/certificate", self._certificate, methods=["POST"]),
            Route("/devices/artifacts/{id:uuid}", self._artifact, methods=["GET"]),
            Route("/devices/logs/{command:uuid}", self._log, methods=["PUT"]),
        ]

    async def _join(self, request: Request) -> Response:
        broker = self.broker_url()
        if broker is None:
            raise Refusal(
                RefusalCode.UNAVAILABLE,
                "There is no broker that devices could connect to. Set MQTT_URL, or start the "
                "platform with `edgewise up`.",
            )
        slowed = await self._slow_down(request)
        given = await given_by(request)
        facts = given.get("facts", {})
        if not isinstance(facts, dict):
            raise invalid("facts", "Give facts as an object.")
        joined = await self._run(
            partial(
                self.access.join,
                text_of(given, "code"),
                text_of(given, "csr").encode("utf-8", "replace"),
                facts,
                _request_id(request),
            )
        )
        await self._run(partial(self.platform.people.throttle.forget, slowed))
        root = await self._run(partial(self._trusted_root, joined.address.tenant))
        authority = self.access.authority
        return JSONResponse(
            {
                "tenant": str(joined.address.tenant),
                "device": str(joined.address.device),
                "name": joined.name,
                "certificate": joined.certificate.certificate,
                "authorities": authority.authorities(),
                "statement_key": authority.statement_public_key(),
                "broker": {"url": broker},
                "server_time": self.platform.now().timestamp(),
                "trusted_root": root,
            },
            headers={"Cache-Control": "no-store"},
        )

    def _trusted_root(self, tenant_id: UUID) -> object:
        """None where it cannot be signed now: a device joins all the same, and asks for it once
        it has something to install."""
        try:
            return json.loads(self.platform.trusted_targets.root(tenant_id))
        except Refusal as refusal:
            log.warning("a device joined without a root to trust: %s", refusal)
            return None

    async def _certificate(self, request: Request) -> Response:
        address = await self._caller(request)
        given = await given_by(request)
        csr = text_of(given, "csr").encode("utf-8", "replace")
        issued = await self._run(partial(self.access.renew, address, csr, _request_id(request)))
        return JSONResponse(
            {"certificate": issued.certificate}, headers={"Cache-Control": "no-store"}
        )

    async def _artifact(self, request: Request) -> Response:
        address = await self._caller(request)
        grant = await self._run(
            partial(granted_artifact, self.platform, address, request.path_params["id"])
        )
        return await BlobFiles(self.platform.blobs).response(request, grant)

    async def _log(self, request: Request) -> Response:
        address = await self._caller(request)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LOG_BYTES:
                raise Refusal(RefusalCode.TOO_LARGE, f"Send at most {LOG_BYTES:,} bytes.")
        command_id: UUID = request.path_params["command"]
        kept = await self._run(partial(keep_log, self.platform, address, command_id, bytes(body)))
        return JSONResponse({"sha256": kept.sha256, "bytes": kept.bytes})

    async def _caller(self, request: Request) -> Address:
        header = request.headers.get("authorization", "")
        return await self._run(
            partial(self.access.caller, header, request.method, request.url.path)
        )

    async def _slow_down(self, request: Request) -> str:
        """The key of who asks; raises Refusal(RATE_LIMITED)."""
        host = request.client.host if request.client else "nobody"
        throttle, now, key = self.platform.people.throttle, self.platform.now(), f"join:{host}"
        wait = await self._run(partial(throttle.take, {key: JOINS}, now))
        if wait is not None:
            raise Refusal(
                RefusalCode.RATE_LIMITED,
                f"Too many devices are joining from here. Try again in {wait.total_seconds():.0f} "
                "seconds.",
            )
        return key

    async def _run(self, work: Callable[[], T]) -> T:
        if self._limiter is None:
            self._limiter = CapacityLimiter(self.threads)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _request_id(request: Request) -> str:
    found: str = request.scope.get("request_id", "")
    return found
