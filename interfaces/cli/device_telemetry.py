"""`edgewise device telemetry`: what a device told, newest first."""

from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.dotted import as_json
from interfaces.cli.plain import when
from interfaces.cli.queries import device as queries
from interfaces.cli.session import Session, connected

COLUMNS = ("At", "Source", "Kind", "Told")


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise device`."""
    app.command("telemetry")(telemetry)


@connected
def telemetry(
    session: Session,
    device: DeviceArgument,
    kind: Annotated[
        str | None, typer.Option(help="Of one kind alone: inference, system, door.opened.")
    ] = None,
    first: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
) -> None:
    """Show what a device told: its load and memory, its inference, what programs on it logged.

    Times are by the device's clock."""
    found = find.device(session.client, device)
    told = session.client.run(queries.TELEMETRY, id=found["id"], first=first, kind=kind)
    events = told["device"]["telemetry"]
    session.answer(
        events, lambda: show.table(COLUMNS, map(_row, events), empty="It has told nothing yet.")
    )


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    told = " ".join(f"{name}={as_json(value)}" for name, value in event["body"].items())
    return when(event["at"]), event["source"], show.text(event["kind"]), show.text(told)
