"""The command that has an optimization done again, from the event that it began with."""

from uuid import UUID

from application.commands.command import Receipt, Request, command, load
from application.commands.job import REASONS, ask_for
from application.commands.model import live_model
from application.jobs.optimize import OPTIMIZE, REPRODUCES
from application.jobs.registry import OPTIMIZE_KIND
from application.platform import Platform
from domain.job import Job, JobStatus
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, invalid

OF_ITS_OWN = ("quota_id", "device_profile", REASONS, REPRODUCES)
"""What a job's input has besides what was asked for."""


@command(Role.OPERATOR)
def reproduce_job(platform: Platform, request: Request, *, job_id: UUID) -> Receipt:
    """Does a finished optimization again with the same files and settings, and compares what it
    makes with what was made then. It adds no artifacts, and spends a unit of quota."""
    job = load(platform, Job, job_id, "job", "jobId")
    if job.kind != OPTIMIZE:
        raise invalid("jobId", f"A {job.kind} measures anew each time; reproduce an optimization.")
    if job.status is not JobStatus.SUCCEEDED:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"The job is {job.status.lower()} and made nothing to compare with. Reproduce one that "
            "succeeded.",
            "jobId",
        )
    live_model(platform, job.model_id, "jobId")
    _require_files(platform, request, job)
    given = {name: value for name, value in job.input.items() if name not in OF_ITS_OWN}
    again = {**given, REPRODUCES: str(job_id)}
    return ask_for(platform, request, OPTIMIZE_KIND, job.model_id, again, "jobId")


def _require_files(platform: Platform, request: Request, job: Job) -> None:
    """Raises Refusal for a file that was swept since."""
    wanted = {"source": job.input["artifact"]["files"][0]["sha256"]}
    for purpose in ("calibration", "evaluation"):
        if job.input[purpose] is not None:
            wanted[f"{purpose} data"] = job.input[purpose]["sha256"]
    for what, sha256 in wanted.items():
        if platform.blobs.size(request.tenant_id, sha256) is None:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The job's {what} ({sha256[:12]}…) is no longer stored. Upload the same file "
                "again first.",
                "jobId",
            )
