"""`edgewise device group …`: questions about devices that were given names."""

from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.device_options import (
    GroupOption,
    LabelOption,
    OnlineOption,
    ProfileOption,
    TextOption,
    YesOption,
    question,
)
from interfaces.cli.device_shown import COLUMNS, labels_of, row_of
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.model import confirmed
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import when
from interfaces.cli.queries import device_group as queries
from interfaces.cli.session import Session, connected

app = typer.Typer(
    no_args_is_help=True,
    help="Saved queries over devices: list, show, define, revise, delete.",
)
GroupArgument = Annotated[str, typer.Argument(help="The group's name or id.")]


@app.command("list")
@connected
def list_groups(session: Session, as_of: AsOfOption = None) -> None:
    """List the groups and how many devices each means: now, or at a moment."""
    found = list(session.client.pages(queries.LIST, "deviceGroups", asOf=as_of_or_now(as_of)))
    columns = ("Id", "Name", ">Devices", "Means", "Created")
    session.answer(
        found, lambda: show.table(columns, map(_row, found), empty="There are no groups yet.")
    )


def _row(group: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(group["id"]),
        show.text(group["name"]),
        f"{group['count']:,}",
        show.text(_meaning(group)),
        when(group["createdAt"]),
    )


def _meaning(group: dict[str, Any]) -> str:
    asked = [labels_of(group["labels"])]
    if group["online"] is not None:
        asked.append("online" if group["online"] else "offline")
    asked += [f"{name} {group[name]}" for name in ("group", "text") if group[name]]
    asked.append(f"profile {group['profile']['name']}" if group["profile"] else "")
    return ", ".join(filter(None, asked)) or "every device"


@app.command("show")
@connected
def show_group(session: Session, group: GroupArgument, as_of: AsOfOption = None) -> None:
    """Show a group and the devices that it means: now, or at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    found = find.device_group(client, group, at)
    given = {"id": found["id"], "asOf": at}
    devices = list(client.pages(queries.DEVICES, "deviceGroup", "devices", **given))

    def human() -> None:
        show.facts(
            [
                ("group", f"[bold]{show.text(found['name'])}[/bold]"),
                ("id", uuid_of(found["id"])),
                ("means", show.text(_meaning(found))),
                ("created", f"{when(found['createdAt'])} by {show.text(found['createdBy'])}"),
            ]
        )
        show.table(COLUMNS, map(row_of, devices), empty="It means no device.")

    session.answer({**found, "devices": devices}, human)


@app.command("define")
@connected
def define(
    session: Session,
    name: Annotated[str, typer.Argument(help="A name of your own for it.")],
    label: LabelOption = None,
    online: OnlineOption = None,
    group: GroupOption = None,
    profile: ProfileOption = None,
    text: TextOption = None,
) -> None:
    """Give a name to a question about devices; all that is given must hold."""
    client = session.client
    asked = question(client, label=label, online=online, group=group, profile=profile, text=text)
    payload = client.change(queries.DEFINE, name=name, query=asked)
    session.done(payload, _counted(payload["deviceGroup"]))


def _counted(group: dict[str, Any]) -> str:
    devices = "1 device" if group["count"] == 1 else f"{group['count']:,} devices"
    return f"[bold]{show.text(group['name'])}[/bold] means {devices} now."


@app.command("revise")
@connected
def revise(
    session: Session,
    saved: GroupArgument,
    label: LabelOption = None,
    online: OnlineOption = None,
    group: GroupOption = None,
    profile: ProfileOption = None,
    text: TextOption = None,
) -> None:
    """Ask another question under a group's name."""
    client = session.client
    found = find.device_group(client, saved)
    asked = question(client, label=label, online=online, group=group, profile=profile, text=text)
    payload = client.change(queries.REVISE, id=found["id"], query=asked)
    session.done(payload, _counted(payload["deviceGroup"]))


@app.command("delete")
@connected
def delete(session: Session, group: GroupArgument, yes: YesOption = False) -> None:
    """Delete a group. Its devices stay."""
    found = find.device_group(session.client, group)
    confirmed(session, f"Delete the device group “{found['name']}”?", yes=yes)
    payload = session.client.change(queries.DELETE, id=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is deleted.")
