"""The API of an installation, ready to be served."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from starlette.applications import Starlette

from application.device_access import DeviceAccess
from application.oidc_sign_in import Oidc
from application.views.registry import VIEWS
from infrastructure.buckets.memory import MemoryBuckets
from infrastructure.buckets.redis import RedisBuckets
from infrastructure.health import DependencyHealth
from infrastructure.looping import Looping
from infrastructure.observing.metrics import InstallationMetrics
from infrastructure.people.in_postgres import keep_people
from infrastructure.postgres.device_calls import PostgresDeviceCalls
from infrastructure.postgres.device_claims import PostgresDeviceClaims
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.oidc_flows import PostgresFlows
from infrastructure.postgres.reads import PostgresReads
from interfaces.bootstrap import Installation
from interfaces.bootstrap.broker import devices_url
from interfaces.bootstrap.trust import keeper_of_trust
from interfaces.graphql.trusted import Trusted
from interfaces.http.app import Api, make_app

KEEP_SECONDS = 15.0


def api_of(
    installation: Installation, broker_url: Callable[[], str | None] | None = None
) -> Starlette:
    """The HTTP application. `broker_url` is where devices connect, by default what is set."""

    redis_url = installation.settings.redis_url
    shared = None if redis_url is None else RedisBuckets(redis_url)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        await installation.database.open_reads()
        try:
            yield
        finally:
            await installation.database.close_reads()
            if shared is not None:
                await shared.close()

    installation.measure(InstallationMetrics(installation.database))
    storage = installation.storage
    refused = installation.platform.refused_acts
    calls = PostgresDeviceCalls(installation.database)
    installation.closing.callback(lambda: refused.flush(everything=True))
    for keeping in (
        Looping("keeper of sessions", keep_people(installation.database, refused), KEEP_SECONDS),
        Looping("keeper of devices' calls", calls.sweep, KEEP_SECONDS),
        keeper_of_trust(installation.targets),
    ):
        keeping.start()
        installation.closing.callback(keeping.close)
    return make_app(
        Api(
            platform=installation.platform,
            reads=PostgresReads(installation.database),
            listener=installation.listener,
            links=storage.links,
            grants=storage.grants,
            blobs=storage.blobs,
            keys=PostgresKeys(installation.database),
            uploads=installation.uploads,
            health=DependencyHealth(
                installation.database, storage.blobs, redis_url, [view.name for view in VIEWS]
            ),
            running=running,
            environment=installation.settings.environment,
            version=version("edgewise"),
            command_threads=installation.settings.connections,
            buckets=shared or MemoryBuckets(),
            trusted=Trusted(installation.settings.documents, installation.settings.documents_only),
            public_url=installation.settings.url,
            origins=installation.settings.origins,
            oidc=_oidc(installation),
            devices=DeviceAccess(
                installation.platform,
                PostgresDeviceClaims(installation.database),
                calls,
                installation.authority,
                timedelta(days=installation.settings.fleet.certificate_days),
            ),
            broker_url=broker_url or (lambda: devices_url(installation.settings)),
        )
    )


def _oidc(installation: Installation) -> Oidc | None:
    """What validates tokens takes long to import, and is imported where it is needed."""
    if (known := installation.settings.oidc) is None:
        return None
    from infrastructure.oidc import Client, OidcProvider

    client = Client(known.issuer, known.client_id, known.client_secret, known.name)
    return Oidc(OidcProvider(client), PostgresFlows(installation.database), known.takes_anyone)
