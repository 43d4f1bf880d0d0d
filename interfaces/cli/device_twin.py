"""`edgewise device set` and `diff`: changing what is desired of a device, and what became of it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.client import unreadable
from interfaces.cli.device_live import changes_of
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.device_shown import print_twin
from interfaces.cli.dotted import as_json, flat, object_of, patch_of
from interfaces.cli.moment import moment, seconds_of
from interfaces.cli.patience import TimeIsOver, within
from interfaces.cli.queries import device as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected


def register(app: typer.Typer) -> None:
    """Adds the commands to `edgewise device`."""
    app.command("set")(set_desired)
    app.command("diff")(diff)


@connected
def set_desired(
    session: Session,
    device: DeviceArgument,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE…", help="Dots lead into objects, values are JSON: camera.fps=30."
        ),
    ] = None,
    patch: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A JSON merge patch instead; - for standard input."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="Only if the desired document has this version.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the device reports it.")] = True,
    timeout: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long to wait for the device: 30s, 10m.")
    ] = "1m",
) -> None:
    """Change what is desired of a device, and wait until the device reports it.

    KEY=null takes a member away. The change is kept while the device is offline."""
    client, given, patience = (
        session.client,
        _given(assignments, patch),
        seconds_of(timeout, "timeout"),
    )
    found = find.device(client, device)
    payload = client.change(queries.TWIN_SET, id=found["id"], patch=given, version=version)
    changed = payload["device"]
    if wait and not is_reported(given, changed["twin"]["delta"]):
        if not changed["online"]:
            session.note("The device is offline: it takes the change when it is back.")
        changed = awaited(session, changed, given, patience)
    session.answer({**payload, "device": changed}, lambda: print_twin(changed["twin"]))


def awaited(
    session: Session, device: dict[str, Any], patch: Mapping[str, Any], patience: float
) -> dict[str, Any]:
    """The device once it reports the patch. Refuses NOT_REPORTED when the time is over, and
    OVERRULED when it says that it cannot."""
    wanted = device["twin"]["desiredVersion"]
    try:
        for change in within(changes_of(session, device["id"], device["changed"]), patience):
            device = change["device"]
            if is_reported(patch, device["twin"]["delta"]):
                return device
            require_not_overruled(device["twin"], patch, wanted)
    except TimeIsOver:
        pass
    raise CommandRefused(
        "NOT_REPORTED",
        "The change is kept, but the device has not reported it yet. See `edgewise device show "
        f"{device['name']}`, or wait longer with --timeout.",
    )


def require_not_overruled(twin: dict[str, Any], patch: Mapping[str, Any], wanted: int) -> None:
    """The agent reports which version it has taken (`desired_version`), what was wrong with it
    (`problems`, by path), and what it does not know (`unknown`). Refuses OVERRULED where that is
    about what the patch set. What takes its time, such as loading a model, is neither."""
    reported = twin["reported"]
    taken, problems = reported.get("desired_version"), reported.get("problems") or {}
    if type(taken) is not int or taken < wanted:
        return
    about = {path: why for path, why in problems.items() if path.partition(".")[0] in patch}
    unknown = [name for name in reported.get("unknown") or () if name in patch]
    if about or unknown:
        said = [f"{path}: {why}" for path, why in about.items()]
        said += [f"{name}: it does not know this" for name in unknown]
        raise CommandRefused(
            "OVERRULED",
            f"The device has seen version {taken} and does not do it all. {'; '.join(said)}.",
        )


def is_reported(patch: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Whether nothing of what the patch set is left to do."""
    return not any(
        name in left
        and (
            not isinstance(value, Mapping)
            or not value
            or not isinstance(left[name], Mapping)
            or not is_reported(value, left[name])
        )
        for name, value in patch.items()
        if value is not None
    )


def _given(assignments: list[str] | None, patch: str | None) -> dict[str, Any]:
    if bool(assignments) == (patch is not None):
        raise CommandRefused("USAGE", "Give either KEY=VALUE… or --patch.", "patch")
    if patch is None:
        return patch_of(assignments or (), "assignments")
    if patch == "-":
        return object_of(sys.stdin.read(), "patch")
    try:
        return object_of(Path(patch).read_text(), "patch")
    except OSError as error:
        raise unreadable(Path(patch), error) from error
    except UnicodeDecodeError as error:
        raise CommandRefused("INVALID", "This is not JSON in UTF-8.", "patch") from error


@connected
def diff(
    session: Session,
    device: DeviceArgument,
    start: Annotated[
        str,
        typer.Option("--from", metavar="MOMENT", help="A position, a time, or such as “10m ago”."),
    ],
    end: Annotated[
        str | None, typer.Option("--to", metavar="MOMENT", help="The same; else now.")
    ] = None,
) -> None:
    """Show what became of a device's twin between two moments."""
    found = find.device(session.client, device)
    moments = {
        "from": moment(start, "from"),
        "to": None if end is None else moment(end, "to"),
    }
    changed = session.client.run(queries.TWIN_DIFF, id=found["id"], **moments)["deviceTwinDiff"]
    session.answer(changed, lambda: _print_diff(changed))


def _print_diff(changed: dict[str, Any]) -> None:
    for name in ("desired", "reported"):
        before, after = (
            dict(flat(twin[name])) if twin else {} for twin in (changed["before"], changed["after"])
        )
        paths = sorted({*before, *after})
        rows = [
            (show.text(path), *_sides(before, after, path))
            for path in paths
            if before.get(path, _sides) != after.get(path, _sides)
        ]
        versions = [
            str(twin[f"{name}Version"]) if twin else "–"
            for twin in (changed["before"], changed["after"])
        ]
        show.line(f"[bold]{name}[/bold]: version {versions[0]} → {versions[1]}")
        show.table(("Key", "Before", "After"), rows, empty=f"Nothing {name} changed.")


def _sides(before: dict[str, Any], after: dict[str, Any], path: str) -> tuple[str, str]:
    old = f"[red]{show.text(as_json(before[path]))}[/red]" if path in before else "[dim]–[/dim]"
    new = f"[green]{show.text(as_json(after[path]))}[/green]" if path in after else "[dim]–[/dim]"
    return old, new
