"""Who works on which job. A lease is a promise that ends by itself when its worker falls silent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

LEASE_TIME = timedelta(seconds=10)


class Acquired(StrEnum):
    """What came of asking for a job: ours, another's, no more jobs of this kind now, or nothing
    that this worker can do."""

    OURS = "OURS"
    HELD = "HELD"
    FULL = "FULL"
    UNABLE = "UNABLE"


@dataclass(frozen=True, slots=True)
class Tick:
    """Progress of a running attempt: `percent` of the stage from 0 to 100. Not an event."""

    job_id: UUID
    tenant_id: UUID
    attempt: int
    stage: str
    percent: float
    message: str


class Leases(Protocol):
    """Leases on jobs, kept by the database's clock: those of processes may jump."""

    def now(self) -> datetime:
        """The database's time."""
        ...

    def acquire(self, tenant_id: UUID, job_id: UUID, kind: str, worker: str) -> Acquired:
        """Takes the lease for LEASE_TIME, unless another holds it or as many jobs of the kind
        are leased as may run at once."""
        ...

    def renew(self, tenant_id: UUID, job_id: UUID, worker: str) -> bool:
        """Prolongs the lease; False when it is not ours any more."""
        ...

    def report(self, worker: str, tick: Tick) -> None:
        """Keeps the tick as the last one, and tells those who listen."""
        ...

    def release(self, tenant_id: UUID, job_id: UUID, worker: str) -> None:
        """Gives the lease up; does nothing when it is not ours."""
        ...
