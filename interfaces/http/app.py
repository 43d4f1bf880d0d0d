"""The HTTP application: GraphQL, uploads, downloads, health and metrics."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from application.commands.upload import Uploads
from application.platform import Platform
from application.ports.blobs import BlobReader, DownloadLinks
from application.ports.downloads import DownloadGrants
from application.ports.health import Health
from application.ports.keys import Keys
from application.ports.listening import Listener
from application.ports.reads import Reads
from application.waiting import Waiter
from domain.refusal import Refusal
from interfaces.graphql.context import Context
from interfaces.graphql.schema import make_schema
from interfaces.http.authentication import Authenticator
from interfaces.http.downloads import download_routes
from interfaces.http.graphiql import graphiql_page, graphiql_routes
from interfaces.http.graphql import GraphQLEndpoint
from interfaces.http.health import health_routes
from interfaces.http.refusals import refusal_response
from interfaces.http.request_log import RequestLog
from interfaces.http.tus import tus_routes

Running = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Api:
    """What the application serves. `grants` is None where blobs are served by S3 itself;
    `running` opens what needs the event loop; `command_threads` bounds commands at once."""

    platform: Platform
    reads: Reads
    listener: Listener
    links: DownloadLinks
    grants: DownloadGrants | None
    blobs: BlobReader
    keys: Keys
    uploads: Uploads
    health: Health
    running: Running
    environment: str
    version: str
    command_threads: int = 8


def make_app(api: Api) -> Starlette:
    """The application, ready to be served."""
    authenticator = Authenticator(api.keys)
    limiter: list[anyio.CapacityLimiter] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limiter.append(anyio.CapacityLimiter(api.command_threads))
        async with api.running():
            yield

    def make_context(request_id: str) -> Context:
        return Context(
            platform=api.platform,
            reads=api.reads,
            waiter=Waiter(api.reads, api.listener),
            listener=api.listener,
            downloads=api.links,
            limiter=limiter[0],
            request_id=request_id,
            environment=api.environment,
            version=api.version,
        )

    endpoint = GraphQLEndpoint(make_schema(), make_context, authenticator, graphiql_page())
    routes: list[BaseRoute] = [
        Route("/", _home, methods=["GET"]),
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
        *graphiql_routes(),
        *tus_routes(
            api.uploads,
            authenticator.of_connection,
            limiter=anyio.CapacityLimiter(api.command_threads),
        ),
        *health_routes(api.health),
    ]
    if api.grants is not None:
        routes += download_routes(api.blobs, api.grants)
    return Starlette(
        routes=routes,
        middleware=[Middleware(RequestLog)],
        exception_handlers={Refusal: _refused, Exception: _broken},
        lifespan=lifespan,
    )


async def _home(request: Request) -> Response:
    return RedirectResponse("/graphql")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal_response(error)


async def _broken(request: Request, error: Exception) -> Response:
    """What broke is in the log under the request's id, not in the answer."""
    request_id = request.scope.get("request_id")
    message = f"Something broke on our side. Quote the request id {request_id} when reporting it."
    body = {"error": {"code": "INTERNAL", "message": message, "field": None}}
    return JSONResponse(body, status_code=500)
