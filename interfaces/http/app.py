"""The HTTP application: GraphQL, uploads, downloads, health and metrics."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from application.commands.upload import Uploads
from application.device_access import DeviceAccess
from application.oidc_sign_in import Oidc
from application.pasts import Pasts
from application.platform import Platform
from application.ports.blobs import BlobReader, DownloadLinks
from application.ports.buckets import Buckets
from application.ports.downloads import DownloadGrants
from application.ports.health import Health
from application.ports.keys import Keys
from application.ports.listening import Listener
from application.ports.reads import Reads
from application.ports.tracing import UNTRACED
from application.waiting import Waiter
from domain.refusal import Refusal
from interfaces.graphql.context import Context
from interfaces.graphql.schema import make_schema
from interfaces.graphql.spending import Spending
from interfaces.graphql.tail import Tails
from interfaces.graphql.trusted import Trusted
from interfaces.http.authentication import Authenticator
from interfaces.http.cookies import SessionCookies
from interfaces.http.device_trust import DeviceTrustRoutes
from interfaces.http.devices import DeviceRoutes
from interfaces.http.downloads import download_routes
from interfaces.http.graphiql import graphiql_page, graphiql_routes
from interfaces.http.graphql import GraphQLEndpoint
from interfaces.http.graphql_socket import GraphQLSockets
from interfaces.http.health import health_routes
from interfaces.http.internal_errors import InternalErrors
from interfaces.http.oidc import OidcSignIn
from interfaces.http.origin import origin_middleware
from interfaces.http.refusals import refusal_response
from interfaces.http.request_log import RequestLog
from interfaces.http.security_headers import SecurityHeaders
from interfaces.http.sign_in import SignIn
from interfaces.http.signed_in import SignedIn
from interfaces.http.tracing import RequestSpans
from interfaces.http.tus import tus_routes

Running = Callable[[], AbstractAsyncContextManager[None]]

ANY_ORIGIN = "*"
"""For the sockets: the middleware has looked at the origin before."""


@dataclass(frozen=True)
class Api:
    """What the application serves. `grants` is None where blobs are served by S3 itself;
    `running` opens what needs the event loop; `command_threads` bounds commands at once.
    Operations are paid from `buckets`, if there are any; `public_url` is how clients reach us,
    `origins` are those of other sites' pages that may use the API. `broker_url` is where devices
    connect, None where they cannot."""

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
    buckets: Buckets | None = None
    trusted: Trusted = field(default_factory=Trusted)
    public_url: str = ""
    origins: tuple[str, ...] = ()
    oidc: Oidc | None = None
    devices: DeviceAccess | None = None
    broker_url: Callable[[], str | None] = lambda: None

    @property
    def in_production(self) -> bool:
        return self.environment == "production"


def make_app(api: Api) -> Starlette:
    """The application, ready to be served."""
    cookies = SessionCookies(api.platform, api.public_url)
    authenticator = Authenticator(api.keys, cookies)
    provider = api.oidc.provider.name if api.oidc else None
    sign_in = SignIn(api.platform, cookies, Waiter(api.reads, api.listener), provider)
    limiter: list[anyio.CapacityLimiter] = []
    spending = None if api.buckets is None else Spending(api.buckets, api.reads)
    pasts = Pasts()
    tails = Tails(api.reads, api.listener)
    signed_in = SignedIn(tails, api.listener)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limiter.append(anyio.CapacityLimiter(api.command_threads))
        async with api.running(), signed_in.looking():
            yield

    def make_context(request_id: str) -> Context:
        return Context(
            platform=api.platform,
            reads=api.reads,
            waiter=Waiter(api.reads, api.listener),
            listener=api.listener,
            tails=tails,
            downloads=api.links,
            limiter=limiter[0],
            pasts=pasts,
            request_id=request_id,
            environment=api.environment,
            version=api.version,
            spending=spending,
        )

    schema = make_schema(introspection=not api.in_production, trusted=api.trusted)
    endpoint = GraphQLEndpoint(schema, make_context, authenticator, api.trusted, graphiql_page())
    sockets = GraphQLSockets(schema, make_context, authenticator, signed_in, [ANY_ORIGIN])
    routes: list[BaseRoute] = [
        Route("/", _home, methods=["GET"]),
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", sockets),
        *graphiql_routes(),
        *sign_in.routes(),
        *tus_routes(
            api.uploads,
            authenticator.of_connection,
            limiter=anyio.CapacityLimiter(api.command_threads),
        ),
        *health_routes(api.health),
    ]
    if api.oidc is not None:
        routes += OidcSignIn(api.platform, api.oidc, cookies, sign_in).routes()
    if api.devices is not None:
        routes += DeviceRoutes(api.platform, api.devices, api.broker_url).routes()
        routes += DeviceTrustRoutes(api.platform, api.devices).routes()
    if api.grants is not None:
        routes += download_routes(api.blobs, api.grants)
    middleware = [
        Middleware(RequestLog),
        Middleware(SecurityHeaders, https=api.public_url.startswith("https:")),
        *origin_middleware(api.public_url, api.origins),
        Middleware(InternalErrors),
    ]
    if api.platform.tracing is not UNTRACED:
        middleware.insert(1, Middleware(RequestSpans, tracing=api.platform.tracing))
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={Refusal: _refused},
        lifespan=lifespan,
    )


async def _home(request: Request) -> Response:
    return RedirectResponse("/graphql")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal_response(error)
