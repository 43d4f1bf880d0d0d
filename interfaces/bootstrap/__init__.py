"""The one place that chooses adapters: settings in, running parts out.

An installation is made of three parts, in one process (`edgewise up`) or in many: the API, the
projector (views and policies), and workers.
"""

import os
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from prometheus_client import REGISTRY
from prometheus_client.registry import Collector

from application.blob_sweep import Sweeping
from application.commands.upload import Uploads
from application.people import People
from application.platform import Platform
from application.policies.registry import POLICIES
from application.ports.tracing import UNTRACED, Tracing
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.tenant import Tenant
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.golden import SandboxedGoldenMaker
from infrastructure.engine.inspectors import SandboxedDatasetInspector, SandboxedModelInspector
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.event_store.stored_chain import StoredChain
from infrastructure.flags import EdgewiseProvider, OpenFeatureFlags
from infrastructure.following.upkeep import PostgresProjections
from infrastructure.observing.event_log import ObservedEventLog
from infrastructure.observing.metrics import PoolMetrics
from infrastructure.people.in_postgres import people_in
from infrastructure.pki.authority import Authority
from infrastructure.pki.files import BadAuthority, file_authority
from infrastructure.postgres.blob_ledger import PostgresBlobLedger
from infrastructure.postgres.database import Database, PoolSizes
from infrastructure.postgres.listener import PostgresListener
from infrastructure.postgres.migrate import APP, SYSTEM, migrate, role_url
from infrastructure.postgres.rollouts import rollouts_in
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.postgres.workers import PostgresWorkers
from infrastructure.scratch import Scratch
from infrastructure.toolchains.catalog import known_toolchains
from infrastructure.toolchains.environments import Environments
from infrastructure.tuf.repositories import Repositories
from interfaces.bootstrap.broker import FleetBroker, start_broker
from interfaces.bootstrap.embedded import embedded as embedded
from interfaces.bootstrap.embedded import keep_embedded as keep_embedded
from interfaces.bootstrap.embedded import stop_embedded as stop_embedded
from interfaces.bootstrap.storage import Storage, make_bucket, storage_of
from interfaces.bootstrap.trust import repositories_of
from interfaces.settings import BadSetting, Settings


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
        self.measure(PoolMetrics(database))
        return database

    def measure(self, metrics: Collector) -> None:
        REGISTRY.register(metrics)
        self.closing.callback(REGISTRY.unregister, metrics)

    @cached_property
    def listener(self) -> PostgresListener:
        listener = PostgresListener(self.database.system_url)
        listener.start()
        self.closing.callback(listener.close)
        return listener

    @cached_property
    def storage(self) -> Storage:
        return storage_of(self.settings)

    @cached_property
    def platform(self) -> Platform:
        limits = Limits(self.settings.job_seconds, self.settings.job_memory_bytes)
        sandbox = Sandbox(limits)
        scratch = self.scratch.own()
        provider = EdgewiseProvider(self.database, self.settings.flags)
        return Platform(
            log=ObservedEventLog(self.log, self.tracing),
            flags=OpenFeatureFlags(provider),
            blobs=self.storage.blobs,
            uploads=self.uploads,
            model_inspector=SandboxedModelInspector(sandbox, scratch),
            dataset_inspector=SandboxedDatasetInspector(sandbox, scratch),
            optimizer=SandboxedOptimizer(sandbox, limits, self.toolchains),
            benchmarker=SandboxedBenchmarker(sandbox, scratch, limits, self.toolchains),
            scratch=scratch,
            tracing=self.tracing,
            holds=self.ledger,
            users=self.people,
            offers=PostgresWorkers(self.database).offers,
            toolchains=known_toolchains(),
            targets=self.targets,
            goldens=SandboxedGoldenMaker(sandbox, scratch, limits, self.toolchains),
            rollouts=rollouts_in(self.database),
        )

    @cached_property
    def targets(self) -> Repositories:
        """What devices may install."""
        return repositories_of(self.settings.fleet, self.database)

    @cached_property
    def toolchains(self) -> Environments:
        return environments_of(self.settings)

    @cached_property
    def authority(self) -> Authority:
        """Made on first use. Raises BadSetting."""
        try:
            return file_authority(self.settings.fleet.authority)
        except BadAuthority as error:
            raise BadSetting(f"The certificate authority: {error}") from error

    @cached_property
    def broker(self) -> FleetBroker | None:
        """Started on first use; one of our own ends with the installation."""
        found = start_broker(self.settings, self.authority)
        if found is not None:
            self.closing.callback(found.stop)
        return found

    @cached_property
    def tracing(self) -> Tracing:
        """OpenTelemetry is imported where an endpoint is set, and costs nothing elsewhere."""
        if self.settings.otlp_endpoint is None:
            return UNTRACED
        from infrastructure.observing.otlp import OtlpTracing

        otlp = OtlpTracing(self.settings.otlp_service, process_name(), self.settings.otlp_share)
        self.closing.callback(otlp.close)
        return otlp

    @cached_property
    def scratch(self) -> Scratch:
        scratch = Scratch(self.settings.home / "scratch")
        self.closing.callback(scratch.close)
        return scratch

    @cached_property
    def ledger(self) -> PostgresBlobLedger:
        return PostgresBlobLedger(self.database, VIEWS, POLICIES)

    @cached_property
    def sweeping(self) -> Sweeping:
        grace = self.settings.blob_grace
        return Sweeping(self.storage.blobs, self.uploads, self.ledger, grace)

    @cached_property
    def people(self) -> People:
        return people_in(self.database, self.settings.url)

    @cached_property
    def log(self) -> PostgresEventLog:
        return PostgresEventLog(self.database)

    @cached_property
    def uploads(self) -> Uploads:
        rows = PostgresUploads(self.database)
        kept = timedelta(days=self.settings.upload_days)
        return Uploads(
            rows, self.storage.staging, self._largest_upload, kept=kept, holds=self.ledger
        )

    def chain(self, tenant_id: UUID | None = None) -> StoredChain:
        """The events with their hashes, of one tenant or of all."""
        return StoredChain(self.database, tenant_id)

    @cached_property
    def projections(self) -> PostgresProjections:
        """For the operator: it acts as the owner of the tables."""
        return PostgresProjections(self.owner_url, self.settings.secret, VIEWS)

    def migrate(self) -> None:
        """Brings the database to the current schema, and makes the bucket where it is missing."""
        migrate(self.owner_url, secret=self.settings.secret)
        make_bucket(self.settings)

    def _largest_upload(self, tenant_id: UUID) -> int:
        with acting(Cause(tenant_id, "system", "upload", "upload")):
            tenant = self.log.find(Tenant, tenant_id)
        return tenant.limits.largest_model_bytes if tenant is not None else 0


def environments_of(settings: Settings) -> Environments:
    """The toolchains of this machine."""
    return Environments(settings.toolchains_home, settings.install_toolchains)


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
