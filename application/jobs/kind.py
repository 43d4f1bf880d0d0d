"""A kind of job: what it spends, which feature it belongs to, and how it is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from application.jobs.capability import Words
from application.kept_blob import keep
from application.platform import Platform
from application.ports.engine import Watch
from domain.blob import BlobRef
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

    def keep(self, path: Path) -> BlobRef:
        """Stores a file that the job made; no sweep removes it within the grace period."""
        return keep(self.platform, self.tenant_id, path)


def _nothing(job_input: Mapping[str, Any]) -> Words:
    return frozenset()


@dataclass(frozen=True, slots=True)
class JobKind:
    """`run` returns the job's result as plain JSON, or raises an error of `ports.engine`. It
    writes nothing but blobs, which are content-addressed: doing it twice has one effect. `needs`
    tells what a job with this input needs of a worker beyond its kind."""

    name: str
    quota: QuotaKind
    flag: Flag
    run: Callable[[Work], dict[str, Any]]
    needs: Callable[[Mapping[str, Any]], Words] = _nothing
