"""Optimizing many models at once: asked for together, followed together, told in one table.

What is refused or fails for one model leaves the others alone; the exit code is 1 then.
"""

from collections.abc import Sequence
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.client import Client
from interfaces.cli.plain import count, size
from interfaces.cli.queries import job as queries
from interfaces.cli.queries import model as model_queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session
from interfaces.cli.variants import findings
from interfaces.cli.watch import progress_of

if TYPE_CHECKING:
    from rich.progress import Progress

AT_ONCE = 100
"""Models in one request, and jobs that are followed side by side."""


def named_models(
    client: Client, names: Sequence[str], *, task: str | None, every: bool
) -> list[dict[str, Any]]:
    """Those named, else all of a task, else all; models without a version are left out of all.
    Refuses where nothing is named, or a name and a whole set."""
    whole = every or task is not None
    if bool(names) == whole:
        raise CommandRefused("USAGE", "Name models, or say --all or --task.", "models")
    if names:
        named = [find.model(client, name) for name in names]
        return list({one["id"]: one for one in named}.values())
    held = client.pages(model_queries.LIST, "models", status="ACTIVE")
    found = [one for one in held if one["versions"] and task in (None, one["task"])]
    if not found:
        raise CommandRefused("NOT_FOUND", "There are no such models with a version.", "models")
    return found


def optimize_many(
    session: Session, models: Sequence[dict[str, Any]], wanted: dict[str, Any], *, watch: bool
) -> None:
    """Asks, follows unless told not to, and prints the table."""
    items = [
        item
        for start in range(0, len(models), AT_ONCE)
        for item in _requested(session.client, models[start : start + AT_ONCE], wanted)
    ]
    names = {model["id"]: model["name"] for model in models}
    for reason in dict.fromkeys(r for one in items if one["job"] for r in one["job"]["reasons"]):
        session.note(f"[dim]{show.text(reason)}[/dim]")
    if watch:
        asked = {one["job"]["id"]: names[one["modelId"]] for one in items if one["job"]}
        _followed(session, asked)
        for one in items:
            if one["job"]:
                one["job"] = session.client.run(queries.SHOW, id=one["job"]["id"])["job"]
    told = [{"model": names[one["modelId"]], **one} for one in items]
    session.answer({"items": told}, lambda: _print(told))
    if any(_wrong(one, ended=watch) for one in told):
        raise typer.Exit(1)


def _requested(
    client: Client, models: Sequence[dict[str, Any]], wanted: dict[str, Any]
) -> list[dict[str, Any]]:
    ids = [model["id"] for model in models]
    payload = client.change(queries.OPTIMIZE_MANY, modelIds=ids, input=wanted)
    items: list[dict[str, Any]] = payload["items"]
    return items


def _followed(session: Session, asked: dict[str, str]) -> None:
    """Until all of these jobs, by id with their model's name, have ended. Ctrl-C leaves them."""
    news: SimpleQueue[tuple[str, dict[str, Any] | Exception | None]] = SimpleQueue()
    waiting = list(asked)
    for job_id in waiting[:AT_ONCE]:
        _follow(session.client, job_id, news)
    coming = iter(waiting[AT_ONCE:])
    left = set(asked)
    try:
        with _Bars(session, asked) as bars:
            while left:
                job_id, told = news.get()
                if isinstance(told, Exception):
                    raise told
                if told is not None:
                    position = told.get("position") or 0
                    session.client.position = max(session.client.position, position)
                    bars.tell(job_id, told)
                    continue
                left.discard(job_id)
                bars.ended(job_id)
                following = next(coming, None)
                if following is not None:
                    _follow(session.client, following, news)
    except KeyboardInterrupt:
        session.note("The jobs go on. See how far they are: [bold]edgewise job list[/bold]")
        raise


def _follow(client: Client, job_id: str, news: "SimpleQueue[Any]") -> None:
    """In a thread: what is told of the job, then None; or what broke."""

    def run() -> None:
        try:
            for progress in progress_of(client, job_id):
                news.put((job_id, progress))
            news.put((job_id, None))
        except Exception as error:
            news.put((job_id, error))

    Thread(target=run, daemon=True).start()


class _Bars:
    """One bar for all, and one for each job that runs. None with --json."""

    def __init__(self, session: Session, names: dict[str, str]) -> None:
        self._bars: Progress | None = None if session.json else show.progress()
        self._names = names
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "_Bars":
        if self._bars is not None:
            self._bars.start()
            self._all = self._bars.add_task("all", total=len(self._names), message="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def tell(self, job_id: str, progress: dict[str, Any]) -> None:
        """Shows one message of `jobProgressed`."""
        if self._bars is None or progress["status"] != "RUNNING":
            return
        if job_id not in self._tasks:
            name = show.text(self._names[job_id])
            self._tasks[job_id] = self._bars.add_task(name, total=100, message="")
        words = filter(None, (progress["stage"], progress["message"]))
        done = progress["percent"] or 0
        message = show.text(" · ".join(words))
        self._bars.update(self._tasks[job_id], completed=done, message=message)

    def ended(self, job_id: str) -> None:
        if self._bars is None:
            return
        if job_id in self._tasks:
            self._bars.remove_task(self._tasks[job_id])
        self._bars.advance(self._all)


def _wrong(one: dict[str, Any], *, ended: bool) -> bool:
    return one["job"] is None or (ended and one["job"]["status"] != "SUCCEEDED")


def _print(told: Sequence[dict[str, Any]]) -> None:
    columns = ("Model", "Status", "Choice", ">Size", ">Time", "Why")
    show.table(columns, map(_row, told))
    good = sum(not _wrong(one, ended=True) for one in told)
    show.line(f"{count(good)} of {count(len(told))} succeeded.")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    name, job = show.text(one["model"]), one["job"]
    if job is None:
        words = " ".join(error["message"] for error in one["userErrors"])
        return (name, "[red]refused[/red]", "–", "–", "–", show.text(words))
    if job["status"] == "SUCCEEDED":
        found = findings(job)
        source, chosen = found.variants[0], found.chosen
        sizes = f"{size(source.bytes)} → {size(chosen.bytes)}"
        time = "–" if chosen.latency_ratio is None else f"×{chosen.latency_ratio:.2f}"
        return (
            name,
            "[green]succeeded[/green]",
            show.text(chosen.name),
            sizes,
            time,
            show.text(found.why),
        )
    failure = job["failure"]
    words = failure["message"] if failure else " ".join(job["waitingBecause"])
    color = "red" if job["status"] == "FAILED" else "yellow"
    status = f"[{color}]{job['status'].lower()}[/{color}]"
    return (name, status, "–", "–", "–", show.text(words))
