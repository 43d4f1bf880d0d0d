"""A job that failed through the platform's fault, or never started, is not charged."""

from uuid import UUID

from application.commands.command import Request, command
from application.commands.reservation import give_back
from application.platform import Platform
from application.policies.policy import Policy
from domain.job import Fault, Job
from domain.principal import Role

refunds = Policy("refunds")


@command(Role.OWNER)
def return_unit(platform: Platform, request: Request, *, job_id: UUID, reason: str) -> None:
    """Returns the unit that the job spent."""
    job = platform.log.find(Job, job_id)
    assert job is not None
    quota = give_back(platform, UUID(job.input["quota_id"]), job_id, reason)
    if quota is not None:
        platform.log.save(quota)


@refunds.on(Job.Failed)
def _failed(platform: Platform, request: Request, event: Job.Failed) -> None:
    if event.failure.fault is Fault.PLATFORM:
        reason = f"failed through our fault: {event.failure.code}"
        return_unit(platform, request, job_id=event.originator_id, reason=reason)


@refunds.on(Job.Cancelled)
def _cancelled(platform: Platform, request: Request, event: Job.Cancelled) -> None:
    if not event.started:
        return_unit(platform, request, job_id=event.originator_id, reason="never started")
