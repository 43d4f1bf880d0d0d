"""A platform on a real event log, with a tenant on the plan Free."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.commands.upload import Uploads
from application.platform import Platform
from domain.cause import Cause, acting
from domain.flag import Flag
from domain.model import Model, Task
from domain.plan import Plan
from domain.tenant import Tenant
from infrastructure.blobs.local import LocalBlobs
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.inspectors import SandboxedDatasetInspector, SandboxedModelInspector
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.tuf.repositories import memory_repositories
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.memory import MemoryUploads


class EverythingOn:
    """Flags of an installation that switches nothing off."""

    def enabled(self, flag: Flag, tenant_id: UUID) -> bool:
        return True


@pytest.fixture
def platform(event_log: PostgresEventLog, tmp_path: Path) -> Platform:
    blobs, sandbox, scratch = LocalBlobs(tmp_path / "blobs"), Sandbox(), tmp_path / "scratch"
    scratch.mkdir()
    staging = LocalStaging(tmp_path / "uploads", blobs)
    return Platform(
        log=event_log,
        flags=EverythingOn(),
        blobs=blobs,
        uploads=Uploads(MemoryUploads(), staging, lambda _: 10**9),
        model_inspector=SandboxedModelInspector(sandbox, scratch),
        dataset_inspector=SandboxedDatasetInspector(sandbox, scratch),
        optimizer=SandboxedOptimizer(sandbox),
        benchmarker=SandboxedBenchmarker(sandbox, scratch),
        scratch=scratch,
        targets=memory_repositories(),
    )


@pytest.fixture
def tenant(platform: Platform) -> Iterator[UUID]:
    """The tenant, acting for the whole test."""
    tenant_id = uuid4()
    with acting(Cause(tenant_id, "key:test", "request:1", "1")):
        platform.log.save(Tenant.register(tenant_id, "Acme", Plan.FREE, ""))
        yield tenant_id


@pytest.fixture
def model(platform: Platform, tenant: UUID) -> UUID:
    registered = Model.register(uuid4(), "digits", Task.CLASSIFICATION, "")
    platform.log.save(registered)
    return registered.id
