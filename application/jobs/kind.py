"""A kind of job: what it spends, which feature it belongs to, and how it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from application.platform import Platform
from application.ports.engine import Watch
from domain.flag import Flag
from domain.job import Job
from domain.plan import QuotaKind


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt: the job, an empty scratch folder of its own, and who watches."""

    platform: Platform
    job: Job
    scratch: Path
    watch: Watch

    @property
    def tenant_id(self) -> UUID:
        return self.job.tenant_id


@dataclass(frozen=True, slots=True)
class JobKind:
    """`run` returns the job's result as plain JSON, or raises an error of `ports.engine`. It
    writes nothing but blobs, which are content-addressed: doing it twice has one effect."""

    name: str
    quota: QuotaKind
    flag: Flag
    run: Callable[[Work], dict[str, Any]]
