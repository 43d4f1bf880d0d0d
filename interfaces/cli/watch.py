"""Following a job live: a bar for each stage, until the job has ended.

Ctrl-C leaves the job alone: it says how to watch again. What a job was doing before the watch
began is told first, since stages are events and have positions.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.ids import uuid_of
from interfaces.cli.queries import job as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session
from interfaces.cli.subscription import follow

if TYPE_CHECKING:
    from rich.progress import Progress

OnProgress = Callable[[dict[str, Any]], None]


def progress_of(client: Client, job_id: str) -> Iterator[dict[str, Any]]:
    """Stage events and ticks from the job's beginning to its end."""
    return follow(
        client.server,
        queries.PROGRESS,
        {"jobId": job_id},
        position_of=lambda progress: progress.get("position"),
        after=0,
    )


def finished(client: Client, job_id: str, on_progress: OnProgress) -> dict[str, Any]:
    """Follows the job to its end and gives it, whatever its end was."""
    for progress in progress_of(client, job_id):
        client.position = max(client.position, progress.get("position") or 0)
        on_progress(progress)
    job: dict[str, Any] = client.run(queries.SHOW, id=job_id)["job"]
    return job


def watched(session: Session, job_id: str) -> dict[str, Any]:
    """`finished` with bars, none with --json. Ctrl-C raises KeyboardInterrupt after a word."""
    try:
        if session.json:
            return finished(session.client, job_id, lambda progress: None)
        with StageBars() as bars:
            return finished(session.client, job_id, bars.tell)
    except KeyboardInterrupt:
        session.note(
            "The job goes on. Watch it again: "
            f"[bold]edgewise job watch {show.text(uuid_of(job_id))}[/bold]"
        )
        raise


def require_success(job: dict[str, Any]) -> dict[str, Any]:
    """The job, if it succeeded. Refuses with the failure's own code and words."""
    if job["status"] == "SUCCEEDED":
        return job
    failure = job.get("failure")
    if failure:
        raise CommandRefused(failure["code"], failure["message"])
    raise CommandRefused(job["status"], f"The job {uuid_of(job['id'])} did not succeed.")


class StageBars:
    """One bar for each stage of the current attempt."""

    def __init__(self, prefix: str = "") -> None:
        self._bars: Progress = show.progress()
        self._prefix, self._stage, self._attempt = prefix, "", 0
        self._waiting = True

    def __enter__(self) -> "StageBars":
        self._bars.start()
        self._task = self._bars.add_task(f"{self._prefix}waiting", total=None, message="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def tell(self, progress: dict[str, Any]) -> None:
        """Shows one message of `jobProgressed`."""
        if progress["attempt"] > self._attempt:
            self._begin_attempt(progress["attempt"])
        stage = progress["stage"] or ""
        if stage != self._stage:
            self._end_stage()
            if stage:
                self._begin_stage(stage)
        if stage and progress["percent"] is not None:
            message = show.text(progress["message"] or "")
            self._bars.update(self._task, completed=progress["percent"], message=message)
        if progress["status"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            self._end_stage(completed=progress["status"] == "SUCCEEDED")

    def _begin_attempt(self, attempt: int) -> None:
        """What an attempt that was given up had done is done again."""
        if self._attempt:
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            name = f"{self._prefix}attempt {attempt}"
            self._task = self._bars.add_task(name, total=None, message="")
            self._waiting = True
        self._attempt, self._stage = attempt, ""

    def _begin_stage(self, stage: str) -> None:
        name = f"{self._prefix}{show.text(stage)}"
        if self._waiting:
            self._bars.remove_task(self._task)
            self._waiting = False
        self._task = self._bars.add_task(name, total=100, message="")
        self._stage = stage

    def _end_stage(self, *, completed: bool = True) -> None:
        if self._stage and completed:
            self._bars.update(self._task, completed=100, message="")
        self._bars.stop_task(self._task)
        self._stage = ""
