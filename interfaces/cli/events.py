"""`edgewise events …`: the story of everything, of one object, live or as CloudEvents."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.audit import checkpoint, key, verify, write_export
from interfaces.cli.client import PAGE, Client, unreadable
from interfaces.cli.cloud_events import cloud_event
from interfaces.cli.connection import find_server
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import in_json, when
from interfaces.cli.queries import events as queries
from interfaces.cli.queries import tenant as tenant_queries
from interfaces.cli.session import JsonOption, ServerOption, Session, TokenOption, connected
from interfaces.cli.subscription import follow

app = typer.Typer(no_args_is_help=True, help="Events: tail, the story of an object, export, proof.")
for command in (verify, checkpoint, key):
    app.command()(command)

LONGEST_DETAIL = 100


def story(
    client: Client, *, of: str | None = None, after: int = 0, at: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """All events after a position, of one object or of all, up to a moment, oldest first."""
    while True:
        page = client.run(queries.PAGE, first=PAGE, after=after, of=of, asOf=at)["events"]
        yield from page["nodes"]
        if not page["hasNextPage"] or page["endPosition"] is None:
            return
        after = page["endPosition"]


@app.command("tail")
@connected
def tail(
    session: Session,
    after: Annotated[
        int | None, typer.Option(min=0, help="Begin after this position; else near the end.")
    ] = None,
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="How many from the end.")] = 20,
) -> None:
    """Tell the last events, and with --follow those that come; a JSON line each with --json."""
    client = session.client
    reached = after or 0
    for event in story(client, after=after) if after is not None else _last(client, last):
        reached = event["position"]
        _tell(session, event)
    if follow_on:
        for event in appended(client, reached):
            _tell(session, event)


def _last(client: Client, wanted: int) -> list[dict[str, Any]]:
    """The last events. Positions have gaps, and other tenants' between: looks back ever wider."""
    head = client.run(queries.SYSTEM)["system"]["head"]
    width = max(wanted, PAGE)
    while True:
        told = list(story(client, after=max(0, head - width)))
        if len(told) >= wanted or width >= head:
            return told[len(told) - min(wanted, len(told)) :]
        width *= 8


def appended(client: Client, after: int) -> Iterator[dict[str, Any]]:
    """Events as they come."""
    return follow(
        client.server,
        queries.APPENDED,
        {},
        position_of=lambda event: event["position"],
        after=after,
    )


@app.command("show")
@connected
def show_stream(
    session: Session,
    stream: Annotated[str, typer.Argument(help="An object's name or id, or the id of a stream.")],
    full: Annotated[bool, typer.Option("--full", help="With all data of each event.")] = False,
    as_of: AsOfOption = None,
) -> None:
    """Tell the whole story of one object, or up to a moment."""
    at = as_of_or_now(as_of)
    told = list(story(session.client, of=find.anything(session.client, stream, at), at=at))
    session.answer(told, lambda: print_story(told, full=full))


@app.command("export")
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else standard output.")
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Begin after this position.")] = 0,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For the operator: a signed export that proves itself."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="With --to: of this tenant alone.")] = None,
    json: JsonOption = False,
    server: ServerOption = None,
    token: TokenOption = None,
) -> None:
    """Write all events as CloudEvents 1.0, one JSON object a line; with --to, as they are stored,
    with their hashes and a signed checkpoint."""
    if to is not None:
        if output is not None or after:
            raise typer.BadParameter("A signed export is whole: leave out --output and --after.")
        write_export(to, tenant, as_json=json)
        return
    with Client(find_server(server, token)) as client:
        _export_cloud_events(Session(client, json), output, after)


def _export_cloud_events(session: Session, output: Path | None, after: int) -> None:
    client = session.client
    tenant_id = client.run(tenant_queries.VIEWER)["viewer"]["tenant"]["id"]
    written, reached = 0, after
    with _opened(output) as file:
        for event in story(client, after=after):
            file.write(in_json(cloud_event(event, client.server.url, tenant_id)) + "\n")
            written, reached = written + 1, event["position"]
    if output is None:
        return
    summary = {"file": str(output), "events": written, "endPosition": reached}
    session.done(
        summary,
        f"{written:,} events to {show.text(output)}. Go on with --after {reached}.",
    )


def _opened(output: Path | None) -> AbstractContextManager[IO[str]]:
    if output is None:
        return nullcontext(sys.stdout)
    try:
        return output.open("w")
    except OSError as error:
        raise unreadable(output, error) from error


def print_json_line(event: dict[str, Any]) -> None:
    """One event on one line, for a reader that takes them as they come."""
    sys.stdout.write(in_json(event) + "\n")
    sys.stdout.flush()


def _tell(session: Session, event: dict[str, Any]) -> None:
    if session.json:
        print_json_line(event)
    else:
        show.line(story_line(event))


def story_line(event: dict[str, Any]) -> str:
    """`42  2026-01-01 12:00:00  model.registered  1f2e3d4c/1  key:9a8b  name=digits`."""
    details = show.text(_details(event["data"]))
    return (
        f"[dim]{event['position']:>7}  {when(event['recordedAt'])}[/dim]  "
        f"[bold]{show.text(event['topic'])}[/bold]  {short(event['streamId'])}/{event['version']}"
        f"  [dim]{show.text(event['actor'])}[/dim]  {details}"
    )


def print_story(told: list[dict[str, Any]], *, full: bool = False) -> None:
    if not told:
        show.note("Nothing has happened to it yet, or there is no such object.")
    for event in told:
        show.line(story_line(event))
        if full:
            show.line(f"          [dim]caused by {show.text(event['causationId'])}[/dim]")
            show.line(f"          {show.text(in_json(event['data']))}")


def _details(data: dict[str, Any]) -> str:
    """The plain values of an event; what is nested is in `--full`."""
    pairs = (
        f"{name}={uuid_of(str(value))}"
        for name, value in data.items()
        if isinstance(value, str | int | float) and name not in ("request_hash",)
    )
    joined = " ".join(pairs)
    return joined if len(joined) <= LONGEST_DETAIL else joined[: LONGEST_DETAIL - 1] + "…"
