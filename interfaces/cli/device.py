"""`edgewise device …`: looking at devices, describing them, and letting them go."""

from typing import Annotated, Any

import typer

from interfaces.cli import (
    device_claim,
    device_command,
    device_group,
    device_live,
    device_logs,
    device_model,
    device_telemetry,
    device_twin,
    find,
    show,
)
from interfaces.cli.device_options import (
    DeviceArgument,
    GroupOption,
    LabelOption,
    OnlineOption,
    ProfileOption,
    TextOption,
    YesOption,
    as_input,
    labels,
    question,
)
from interfaces.cli.device_shown import COLUMNS, print_device, row_of
from interfaces.cli.model import confirmed
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.queries import device as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected

app = typer.Typer(
    no_args_is_help=True,
    help="Devices: claim, list, show, watch, set, run, send, logs, diff, describe, let go.",
)
device_claim.register(app)


@app.command("list")
@connected
def list_devices(
    session: Session,
    label: LabelOption = None,
    online: OnlineOption = None,
    group: GroupOption = None,
    profile: ProfileOption = None,
    text: TextOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that were decommissioned.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and show each change.")
    ] = False,
    as_of: AsOfOption = None,
) -> None:
    """List the devices: now, as they were at a moment, or live."""
    client, at = session.client, as_of_or_now(as_of)
    wanted = question(client, label=label, online=online, group=group, profile=profile, text=text)
    if every:
        wanted["decommissioned"] = None
    if watch:
        if at is not None:
            raise CommandRefused("INVALID", "The past does not change. Leave one out.", "watch")
        device_live.watch_all(session, wanted)
        return
    devices = list(client.pages(queries.LIST, "devices", filter=wanted, asOf=at))
    session.answer(
        devices,
        lambda: show.table(COLUMNS, map(row_of, devices), empty="There are no such devices."),
    )


@app.command("show")
@connected
def show_device(session: Session, device: DeviceArgument, as_of: AsOfOption = None) -> None:
    """Show a device, its twin side by side, its latest commands: now, or at a moment."""
    found = find.device(session.client, device, queries.SHOW, as_of_or_now(as_of))
    session.answer(found, lambda: print_device(found))


device_live.register(app)
device_twin.register(app)
device_model.register(app)
device_command.register(app)
device_telemetry.register(app)
device_logs.register(app)


@app.command("describe")
@connected
def describe(
    session: Session,
    device: DeviceArgument,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    label: LabelOption = None,
    unlabel: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Take a label away; repeatable.")
    ] = None,
    group: GroupOption = None,
    no_group: Annotated[bool, typer.Option("--no-group", help="In no group.")] = False,
    profile: ProfileOption = None,
    no_profile: Annotated[bool, typer.Option("--no-profile", help="Of no profile.")] = False,
) -> None:
    """Change a device's name, labels, group or profile; what is not given stays."""
    client = session.client
    found = find.device(client, device)
    changed: dict[str, Any] = {"id": found["id"]}
    if name is not None:
        changed["name"] = name
    if label or unlabel:
        held = {one["name"]: one["value"] for one in found["labels"]} | labels(label)
        for gone in unlabel or ():
            held.pop(gone, None)
        changed["labels"] = as_input(held)
    if group is not None or no_group:
        changed["group"] = None if no_group else group
    if profile is not None or no_profile:
        changed["profile"] = None if no_profile else find.profile(client, profile or "")["id"]
    if len(changed) == 1:
        raise CommandRefused("USAGE", "Say what changes: see --help.")
    payload = client.change(queries.DESCRIBE, **changed)
    session.done(payload, f"[bold]{show.text(payload['device']['name'])}[/bold] is described.")


@app.command("revoke")
@connected
def revoke(
    session: Session,
    device: DeviceArgument,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    yes: YesOption = False,
) -> None:
    """Revoke a device's certificates: it is cut off, and stays out until it joins anew."""
    found = find.device(session.client, device)
    confirmed(session, f"Cut off the device “{found['name']}”?", yes=yes)
    payload = session.client.change(queries.REVOKE, id=found["id"], reason=reason)
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is cut off.")


@app.command("decommission")
@connected
def decommission(session: Session, device: DeviceArgument, yes: YesOption = False) -> None:
    """End a device for good. Its name is free again; its events remain."""
    found = find.device(session.client, device)
    confirmed(session, f"Decommission the device “{found['name']}” for good?", yes=yes)
    payload = session.client.change(queries.DECOMMISSION, id=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is decommissioned.")


app.add_typer(device_group.app, name="group")
