"""`edgewise projections …` and `edgewise replay`: for the operator, on the installation itself.

They go past the API to the database, as `edgewise migrate` does: a rebuild is for the very moment
when what the API answers is in doubt.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli import show
from interfaces.cli.plain import count, in_json
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import JsonOption

if TYPE_CHECKING:
    from application.ports.projections import Compared, Difference, Progress, Projections, Standing

ALL = "all"

app = typer.Typer(
    no_args_is_help=True, help="The projections of this installation: list, rebuild. For operators."
)


def register(main: typer.Typer) -> None:
    """Adds the commands to the command line."""
    main.add_typer(app, name="projections")
    main.command()(replay)


@app.command("list")
def list_them(json: JsonOption = False) -> None:
    """Show how far each view and policy has followed the log, and why one has stopped."""
    with _projections() as projections:
        found = projections.standing()
    if json:
        show.data({"projections": [_camel(each) for each in found]})
        return
    columns = ("Name", ">Position", ">Lag", ">Seconds", "State")
    show.table(columns, map(_row, found), empty="No projector has run yet.")


def _row(standing: "Standing") -> tuple[str, ...]:
    state = "[green]running[/green]"
    if standing.stopped_position is not None:
        words = (
            f"stopped at {standing.stopped_position} ({standing.stopped_topic}) since "
            f"{standing.stopped_since:%Y-%m-%d %H:%M:%S %Z}: {standing.stopped_error}"
        )
        state = f"[red]{show.text(words)}[/red]"
    lag = (count(standing.lag), f"{standing.lag_seconds:.1f}")
    return (show.text(standing.name), count(standing.position), *lag, state)


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help="A projection of `projections list`, or all.")],
    json: JsonOption = False,
) -> None:
    """Fill new tables from the log beside the live ones, then put them in their place.

    Everything goes on meanwhile; nobody sees an empty or a half table.
    """
    with _projections() as projections, _bars(json) as progress:
        names = projections.names() if name == ALL else [name]
        rebuilt = [projections.rebuild(each, progress) for each in names]
    if json:
        show.data({"rebuilt": [_camel(each) for each in rebuilt]})
        return
    for done in rebuilt:
        show.line(
            f"Rebuilt [bold]{show.text(done.view)}[/bold]: {count(done.rows)} rows from "
            f"{count(done.events)} events, up to position {count(done.position)}, "
            f"in {done.seconds:.1f} s."
        )


def replay(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the live tables; nothing is changed.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Replay the whole log beside the live tables and compare every row.

    Exit code 1 when a row differs. Operational tables (outbox, leases, uploads) stand aside.
    """
    if not check:
        raise CommandRefused(
            "USAGE",
            "Say --check to compare. To replace the tables: `edgewise projections rebuild NAME`.",
            "check",
        )
    with _projections() as projections, _bars(json) as progress:
        compared = list(projections.check(progress))
    agree = not any(each.differences for each in compared)
    if json:
        show.data({"agree": agree, "projections": [_camel(each) for each in compared]})
    else:
        _print(compared)
    if not agree:
        raise typer.Exit(1)


def _print(compared: "list[Compared]") -> None:
    for each in compared:
        for difference in each.differences:
            _tell(difference)
    columns = ("Projection", ">Position", ">Events", ">Rows", "Result")
    show.table(columns, map(_result, compared))
    different = sum(len(each.differences) for each in compared)
    if different:
        show.line(
            f"[red]{count(different)} rows differ.[/red] `edgewise projections rebuild NAME` makes "
            "them what the events say."
        )
    else:
        show.line("[green]Every row is what the events say.[/green]")


def _result(each: "Compared") -> tuple[str, ...]:
    wrong = len(each.differences)
    result = f"[red]{count(wrong)} differ[/red]" if wrong else "[green]agrees[/green]"
    figures = (count(each.position), count(each.events), count(each.rows))
    return (show.text(each.view), *figures, result)


def _tell(difference: "Difference") -> None:
    place = ", ".join(f"{name} {value}" for name, value in difference.key.items())
    where = f"[bold]{show.text(difference.table)}[/bold] {show.text(place)}"
    if difference.live is None or difference.replayed is None:
        what = "missing" if difference.live is None else "no event made this row"
        show.line(f"{where}: [red]{what}[/red]")
        return
    for column in difference.columns:
        live, replayed = _value(difference.live, column), _value(difference.replayed, column)
        show.line(f"{where}: {show.text(column)} is [red]{live}[/red], replayed {replayed}")


def _value(row: Mapping[str, Any], column: str) -> str:
    return show.text(in_json(row[column]))


def _camel(told: Any) -> Any:
    """As the API would name it. The columns of rows keep their names, and times become texts."""
    if isinstance(told, Mapping | str) or not hasattr(told, "__dataclass_fields__"):
        return told.isoformat() if isinstance(told, datetime) else told
    return {
        re.sub("_(.)", lambda found: found[1].upper(), name): (
            [_camel(each) for each in value] if isinstance(value, list | tuple) else _camel(value)
        )
        for name in told.__dataclass_fields__
        for value in [getattr(told, name)]
    }


@contextmanager
def _projections() -> "Iterator[Projections]":
    """Those of this installation. Its own PostgreSQL runs for as long, if nobody has started it."""
    from domain.refusal import Refusal
    from interfaces.bootstrap import Installation, embedded, stop_embedded
    from interfaces.settings import BadSetting, read_settings

    try:
        settings = read_settings()
    except BadSetting as bad:
        raise CommandRefused("INVALID", str(bad)) from bad
    ours = settings.database_url is None and embedded(settings).pid is None
    try:
        yield Installation.of(settings).projections
    except Refusal as refusal:
        raise CommandRefused(refusal.code, refusal.message, refusal.field) from refusal
    finally:
        if ours:
            stop_embedded(settings)


@contextmanager
def _bars(json: bool) -> "Iterator[Progress]":
    """A bar for each view on standard error, and none with --json."""
    if json:
        yield lambda view, position, until: None
        return
    with show.progress() as bars:
        tasks: dict[str, Any] = {}

        def progress(view: str, position: int, until: int) -> None:
            if view not in tasks:
                tasks[view] = bars.add_task(show.text(view), message="")
            bars.update(tasks[view], completed=position, total=max(until, 1))

        yield progress
