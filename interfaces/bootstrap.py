"""The one place that chooses adapters: settings in, running parts out.

An installation is made of three parts, in one process (`edgewise up`) or in many: the API, the
projector (views and policies), and workers.
"""

import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from uuid import UUID

from starlette.applications import Starlette

from application.commands.upload import Uploads, sweep
from application.jobs.attempt import Worker
from application.jobs.registry import KINDS
from application.platform import Platform
from application.policies.registry import POLICIES
from application.ports.blobs import Blobs, DownloadLinks
from application.ports.downloads import DownloadGrants
from application.ports.listening import EVENTS, FOLLOWED, Callback
from application.ports.uploads import Staging
from application.views.dispatch import KIND as JOB_HINT
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.tenant import Tenant
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.s3 import S3Blobs, S3Links, s3_store
from infrastructure.blobs.signed_links import SignedLinks
from infrastructure.embedded.postgres import EmbeddedPostgres
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.inspectors import SandboxedDatasetInspector, SandboxedModelInspector
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.flags import EdgewiseProvider, OpenFeatureFlags
from infrastructure.following.follower import Follower, Handling
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.health import DependencyHealth
from infrastructure.looping import Looping
from infrastructure.postgres.database import Database, PoolSizes
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.leases import PostgresLeases
from infrastructure.postgres.listener import PostgresListener
from infrastructure.postgres.migrate import APP, SYSTEM, migrate, role_url
from infrastructure.postgres.outbox import Relay
from infrastructure.postgres.reads import PostgresReads
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.queue import make_broker
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.object_staging import ObjectStaging
from interfaces.actors import declare_actors
from interfaces.http.app import Api, make_app
from interfaces.settings import Settings

SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Storage:
    """Where bytes live, and how they are handed out."""

    blobs: Blobs
    staging: Staging
    links: DownloadLinks
    grants: DownloadGrants | None


@dataclass
class Installation:
    """The adapters of one process, made on first use and closed together."""

    settings: Settings
    owner_url: str
    closing: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of(cls, settings: Settings) -> "Installation":
        """Uses DATABASE_URL, or starts the embedded PostgreSQL (which stays up until
        `stop_embedded`)."""
        owner_url = settings.database_url or embedded(settings).start()
        return cls(settings, owner_url)

    def close(self) -> None:
        self.closing.close()

    @cached_property
    def database(self) -> Database:
        secret, size = self.settings.secret, self.settings.connections
        database = Database(
            role_url(self.owner_url, APP, secret),
            role_url(self.owner_url, SYSTEM, secret),
            PoolSizes(size, size, len(VIEWS) + len(POLICIES) + size),
        )
        database.open()
        self.closing.callback(database.close)
        return database

    @cached_property
    def listener(self) -> PostgresListener:
        listener = PostgresListener(self.database.system_url)
        listener.start()
        self.closing.callback(listener.close)
        return listener

    @cached_property
    def storage(self) -> Storage:
        s3, home = self.settings.s3, self.settings.home
        if s3 is None:
            local = LocalBlobs(home / "blobs")
            links = SignedLinks(self.settings.secret, self.settings.url)
            return Storage(local, LocalStaging(home / "uploads", local), links, links)
        store = s3_store(
            bucket=s3.bucket,
            endpoint=s3.endpoint,
            region=s3.region,
            access_key=s3.access_key,
            secret_key=s3.secret_key,
        )
        remote = S3Blobs(store)
        return Storage(remote, ObjectStaging(remote), S3Links(store), None)

    @cached_property
    def platform(self) -> Platform:
        limits = Limits(self.settings.job_seconds, self.settings.job_memory_bytes)
        sandbox = Sandbox(limits)
        scratch = self.settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        provider = EdgewiseProvider(self.database, self.settings.flags)
        return Platform(
            log=self.log,
            flags=OpenFeatureFlags(provider),
            blobs=self.storage.blobs,
            uploads=self.uploads,
            model_inspector=SandboxedModelInspector(sandbox, scratch),
            dataset_inspector=SandboxedDatasetInspector(sandbox, scratch),
            optimizer=SandboxedOptimizer(sandbox, limits),
            benchmarker=SandboxedBenchmarker(sandbox, scratch, limits),
            scratch=scratch,
        )

    @cached_property
    def log(self) -> PostgresEventLog:
        return PostgresEventLog(self.database)

    @cached_property
    def uploads(self) -> Uploads:
        rows = PostgresUploads(self.database)
        return Uploads(rows, self.storage.staging, self._largest_upload)

    def migrate(self) -> None:
        """Brings the database to the current schema."""
        migrate(self.owner_url, secret=self.settings.secret)

    def api(self) -> Starlette:
        """The HTTP application."""

        @asynccontextmanager
        async def running() -> AsyncIterator[None]:
            await self.database.open_reads()
            try:
                yield
            finally:
                await self.database.close_reads()

        storage = self.storage
        redis_url = self.settings.redis_url
        return make_app(
            Api(
                platform=self.platform,
                reads=PostgresReads(self.database),
                listener=self.listener,
                links=storage.links,
                grants=storage.grants,
                blobs=storage.blobs,
                keys=PostgresKeys(self.database),
                uploads=self.uploads,
                health=DependencyHealth(
                    self.database, storage.blobs, redis_url, [view.name for view in VIEWS]
                ),
                running=running,
                environment=self.settings.environment,
                version=version("edgewise"),
                command_threads=self.settings.connections,
            )
        )

    def start_projector(self) -> None:
        """Starts every view and every policy, each in a thread of its own."""
        handlings: list[Handling] = [
            *(Projection(view) for view in VIEWS),
            *(Reacting(policy, self.platform) for policy in POLICIES),
        ]
        for handling in handlings:
            follower = Follower(self.database, handling, TypedMapper())
            self.listener.subscribe(EVENTS, _waking(follower))
            follower.start()
            self.closing.callback(follower.close)

    def start_worker(self) -> None:
        """Starts the relay and the consumers of hints; the process's main thread stays free."""
        import dramatiq

        broker = make_broker(self.settings.redis_url)
        leases = PostgresLeases(self.database, self.settings.jobs_at_once)
        worker = Worker(self.platform, leases, KINDS, _worker_name())
        relay = Relay(self.database, JOB_HINT, lambda tenant_id, payload: send(tenant_id, payload))
        send = declare_actors(broker, worker, relay.again)
        threads = sum(self.settings.jobs_at_once.values())
        consumers = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=100)
        # A hint waits here only when a job of its kind may start here at once.
        consumers.queue_prefetch = max(self.settings.jobs_at_once.values())
        consumers.start()
        self.listener.subscribe(FOLLOWED, lambda word: _wake_for_jobs(word, relay))
        relay.start()
        sweeping = Looping("sweeper", lambda: sweep(self.uploads) > 0, SWEEP_SECONDS)
        sweeping.start()
        self.closing.callback(sweeping.close)
        self.closing.callback(consumers.stop, timeout=15_000)
        self.closing.callback(worker.stopping.set)
        self.closing.callback(relay.close)

    def _largest_upload(self, tenant_id: UUID) -> int:
        with acting(Cause(tenant_id, "system", "upload", "upload")):
            tenant = self.log.find(Tenant, tenant_id)
        return tenant.limits.largest_model_bytes if tenant is not None else 0


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded PostgreSQL of this installation, started or not."""
    return EmbeddedPostgres(settings.home / "postgres")


def keep_embedded(installation: Installation) -> None:
    """Starts the embedded PostgreSQL again whenever it is found dead."""
    if installation.settings.database_url is not None:
        return
    server = embedded(installation.settings)

    def look() -> bool:
        if server.pid is None:
            server.start()
        return False

    keeper = Looping("keeper of PostgreSQL", look)
    keeper.start()
    installation.closing.callback(keeper.close)


def stop_embedded(settings: Settings) -> None:
    """Stops the embedded PostgreSQL, if it is this installation's."""
    if settings.database_url is None:
        embedded(settings).stop()


def _waking(follower: Follower) -> Callback:
    return lambda _: follower.wake()


def _wake_for_jobs(word: str | None, relay: Relay) -> None:
    if word is None or word.startswith("dispatch "):
        relay.wake()


def _worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
