"""`edgewise model …`: looking at models, now and as they were, and changing them."""

from typing import Annotated, Any

import typer

from interfaces.cli import choices, events, find, show
from interfaces.cli.cloud_events import cloud_event
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import milliseconds, plain, size, when
from interfaces.cli.queries import model as queries
from interfaces.cli.queries.events import MODEL_CHANGED
from interfaces.cli.refused import CommandRefused, not_found
from interfaces.cli.session import Session, connected
from interfaces.cli.subscription import follow

app = typer.Typer(no_args_is_help=True, help="Models: list, show, move aliases, archive, delete.")

ModelArgument = Annotated[str, typer.Argument(help="The model's name or id.", show_default=False)]


@app.command("list")
@connected
def list_models(
    session: Session,
    status: Annotated[
        choices.ModelStatus | None, typer.Option(case_sensitive=False, help="Only these.")
    ] = None,
    contains: Annotated[str | None, typer.Option(help="Only names with this in them.")] = None,
    as_of: AsOfOption = None,
) -> None:
    """List the models: now, or as they were at a moment."""
    wanted = {"status": status.value if status else None, "contains": contains}
    at = as_of_or_now(as_of)
    models = list(session.client.pages(queries.LIST, "models", asOf=at, **wanted))
    columns = ("Id", "Name", "Task", ">Versions", "Aliases", "Status", "Changed")
    session.answer(
        models, lambda: show.table(columns, map(_row, models), empty="There are no models yet.")
    )


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    aliases = ", ".join(
        f"{alias['name']}→{alias['artifact']['variant']}" for alias in model["aliases"]
    )
    return (
        short(model["id"]),
        show.text(model["name"]),
        model["task"].lower(),
        str(model["versions"]),
        show.text(aliases),
        model["status"].lower(),
        when(model["updatedAt"]),
    )


@app.command("show")
@connected
def show_model(session: Session, model: ModelArgument, as_of: AsOfOption = None) -> None:
    """Show a model, its aliases and artifacts: now, or as they were at a moment."""
    at = as_of_or_now(as_of)
    found = find.model_or_none(session.client, model, queries.SHOW, asOf=at)
    if found is None:
        raise not_found("model", model, "model", at)
    session.answer(found, lambda: print_model(found))


def print_model(model: dict[str, Any]) -> None:
    show.facts(
        [
            ("model", f"[bold]{show.text(model['name'])}[/bold]"),
            ("id", uuid_of(model["id"])),
            ("task", model["task"].lower()),
            ("status", model["status"].lower()),
            ("versions", str(model["versions"])),
            ("created", f"{when(model['createdAt'])} by {show.text(model['createdBy'])}"),
            ("position", str(model["changed"])),
            *(("alias", _alias(alias)) for alias in model["aliases"]),
        ]
    )
    artifacts = [edge["node"] for edge in model["artifacts"]["edges"]]
    columns = ("Artifact", ">Version", "Variant", ">Size", ">p50", "Gates", "Created")
    show.table(columns, map(_artifact_row, artifacts), empty="There are no artifacts yet.")


def _alias(alias: dict[str, Any]) -> str:
    artifact = alias["artifact"]
    return (
        f"[bold]{show.text(alias['name'])}[/bold] → {show.text(artifact['variant'])} of version "
        f"{artifact['version']} ({short(artifact['id'])}), {when(alias['movedAt'])} by "
        f"{show.text(alias['movedBy'])}"
    )


def _artifact_row(artifact: dict[str, Any]) -> tuple[str, ...]:
    measured = artifact["benchmark"]
    return (
        short(artifact["id"]),
        str(artifact["version"]),
        show.text(artifact["variant"]),
        size(artifact["bytes"]),
        milliseconds(measured["p50Ms"]) if measured else "–",
        "[green]passed[/green]" if artifact["passed"] else "[red]failed[/red]",
        when(artifact["createdAt"]),
    )


@app.command("archive")
@connected
def archive(session: Session, model: ModelArgument) -> None:
    """Archive a model: it is kept, takes nothing new, and does not count against the plan."""
    _change(session, queries.ARCHIVE, model, "archived")


@app.command("restore")
@connected
def restore(session: Session, model: ModelArgument) -> None:
    """Restore an archived model."""
    _change(session, queries.RESTORE, model, "restored")


@app.command("delete")
@connected
def delete(
    session: Session,
    model: ModelArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a model. Its name is free again; its events remain."""
    found = find.model(session.client, model)
    confirmed(session, f"Delete the model “{found['name']}” and its artifacts?", yes=yes)
    payload = session.client.change(queries.DELETE, modelId=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is deleted.")


def confirmed(session: Session, question: str, *, yes: bool) -> None:
    """Asks at a terminal. A script must say --yes: nobody is there to be asked."""
    import sys

    if yes:
        return
    if session.json or not sys.stdin.isatty():
        raise CommandRefused("CONFIRM", "This cannot be undone. Say --yes to do it.", "yes")
    if not typer.confirm(plain(question), err=True):
        raise CommandRefused("CONFIRM", "Nothing was deleted.")


def _change(session: Session, document: str, model: str, done: str) -> None:
    found = find.model(session.client, model)
    payload = session.client.change(document, modelId=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is {done}.")


@app.command("alias")
@connected
def alias(
    session: Session,
    model: ModelArgument,
    alias: Annotated[str, typer.Argument(help="Such as production.")],
    artifact: Annotated[
        str, typer.Argument(help="An id, a variant (static-int8, static-int8@2) or an alias.")
    ],
) -> None:
    """Move an alias to an artifact that passed its gates."""
    client = session.client
    found = find.model(client, model)
    target = find.artifact_id(client, artifact, found["id"])
    payload = client.change(queries.ALIAS_MOVE, modelId=found["id"], alias=alias, artifactId=target)
    session.done(
        payload,
        f"[bold]{show.text(alias)}[/bold] of {show.text(found['name'])} is now "
        f"{show.text(artifact)} ({short(target)}).",
    )


@app.command("unalias")
@connected
def unalias(
    session: Session,
    model: ModelArgument,
    alias: Annotated[str, typer.Argument(help="The alias to remove.")],
) -> None:
    """Remove an alias."""
    found = find.model(session.client, model)
    payload = session.client.change(queries.ALIAS_REMOVE, modelId=found["id"], alias=alias)
    session.done(payload, f"{show.text(found['name'])} has no alias {show.text(alias)} now.")


@app.command("history")
@connected
def history(session: Session, model: ModelArgument, as_of: AsOfOption = None) -> None:
    """Tell everything that happened to a model, up to a moment."""
    at = as_of_or_now(as_of)
    found = find.model(session.client, model, at=at)
    story = list(events.story(session.client, of=found["id"], at=at))
    session.answer(story, lambda: events.print_story(story))


def tell_changes(session: Session, model_id: str) -> None:
    """A line for each new event of a model, until Ctrl-C."""
    session.note("Watching. Ctrl-C ends this; the model goes on.")
    changes = follow(
        session.client.server,
        MODEL_CHANGED,
        {"modelId": model_id},
        position_of=lambda change: change["event"]["position"],
        after=session.client.position or None,
    )
    for change in changes:
        event = change["event"]
        if session.json:
            show.data(cloud_event(event, session.client.server.url))
        else:
            show.line(events.story_line(event))
