"""`edgewise job …`: what is being worked on, and what came of it."""

from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.optimize import NoWatchOption, print_result, see_through
from interfaces.cli.plain import between, plain, when
from interfaces.cli.queries import job as queries
from interfaces.cli.refused import not_found
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="Jobs: list, show, watch, cancel, reproduce.")

JobArgument = Annotated[str, typer.Argument(help="The job's id or its beginning.")]
_COLORS = {"SUCCEEDED": "green", "FAILED": "red", "CANCELLED": "yellow", "RUNNING": "cyan"}


@app.command("list")
@connected
def list_jobs(
    session: Session,
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    status: Annotated[
        choices.JobStatus | None, typer.Option(case_sensitive=False, help="Only these.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as optimize.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, max=100, help="How many.")] = 20,
    as_of: AsOfOption = None,
) -> None:
    """List the latest jobs, newest first: now, or as they were at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    found = client.run(
        queries.LIST,
        first=last,
        asOf=at,
        modelId=find.model(client, model, at=at)["id"] if model else None,
        status=status.value if status else None,
        kind=kind,
    )
    jobs = [edge["node"] for edge in found["jobs"]["edges"]]
    columns = ("Id", "Kind", "Status", "Stage", ">Attempt", "Requested", ">Took")
    session.answer(
        jobs, lambda: show.table(columns, map(_row, jobs), empty="There are no such jobs.")
    )


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(job["id"]),
        show.text(job["kind"]),
        status_of(job),
        show.text(job["stage"] or ""),
        str(job["attempt"]),
        when(job["requestedAt"]),
        between(job["startedAt"], job["finishedAt"]),
    )


def status_of(job: dict[str, Any]) -> str:
    """Markup."""
    status = plain(job["status"].lower())
    if job["cancelRequested"] and job["status"] == "RUNNING":
        status = "cancelling"
    color = _COLORS.get(job["status"], "default")
    return f"[{color}]{status}[/{color}]"


@app.command("show")
@connected
def show_job(session: Session, job: JobArgument, as_of: AsOfOption = None) -> None:
    """Show a job and what came of it."""
    client = session.client
    at = as_of_or_now(as_of)
    found = client.run(queries.SHOW, id=find.job_id(client, job, at), asOf=at)["job"]
    if found is None:
        raise not_found("job", job, "job", at)

    def human() -> None:
        print_job(found)
        if found["status"] == "SUCCEEDED":
            print_result(client, found)

    session.answer(found, human)


def print_job(job: dict[str, Any]) -> None:
    pairs = [
        ("job", f"{uuid_of(job['id'])} ({show.text(job['kind'])})"),
        ("model", uuid_of(job["modelId"])),
        ("status", status_of(job)),
        ("attempt", str(job["attempt"])),
        ("requested", f"{when(job['requestedAt'])} by {show.text(job['requestedBy'])}"),
        ("took", between(job["startedAt"], job["finishedAt"])),
    ]
    if job["stage"]:
        pairs.append(("stage", show.text(job["stage"])))
    pairs += [("chosen", show.text(reason)) for reason in job["reasons"]]
    if job["notBefore"]:
        pairs.append(("next attempt", when(job["notBefore"])))
    if job["waitingFor"]:
        words = " ".join(job["waitingBecause"])
        pairs.append(("waiting", f"[yellow]{show.text(words)}[/yellow]"))
    failure = job["failure"]
    if failure:
        words = f"{failure['code']}: {failure['message']} (fault: {failure['fault'].lower()})"
        pairs.append(("failure", f"[red]{show.text(words)}[/red]"))
    show.facts(pairs)


@app.command("watch")
@connected
def watch(session: Session, job: JobArgument) -> None:
    """Follow a job to its end. Ctrl-C leaves it running."""
    client = session.client
    found = client.run(queries.SHOW, id=find.job_id(client, job))["job"]
    if found is None:
        raise not_found("job", job, "job")
    see_through(session, found, watch=True)


@app.command("cancel")
@connected
def cancel(session: Session, job: JobArgument) -> None:
    """Stop a job."""
    job_id = find.job_id(session.client, job)
    payload = session.client.change(queries.CANCEL, jobId=job_id)
    words = "is cancelled" if payload["job"]["status"] == "CANCELLED" else "will stop in seconds"
    session.done(payload, f"The job {uuid_of(job_id)} {words}.")


@app.command("reproduce")
@connected
def reproduce(session: Session, job: JobArgument, no_watch: NoWatchOption = False) -> None:
    """Do a finished optimization again and compare: same bytes, or what differs."""
    job_id = find.job_id(session.client, job)
    payload = session.client.change(queries.REPRODUCE, jobId=job_id)
    see_through(session, payload["job"], watch=not no_watch)
