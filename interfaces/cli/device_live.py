"""`edgewise device watch` and `list --watch`: what happens to devices, as it happens."""

from collections.abc import Iterator
from typing import Any

import typer

from interfaces.cli import events, find, show
from interfaces.cli.cloud_events import cloud_event
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.device_shown import table_of
from interfaces.cli.queries import device as queries
from interfaces.cli.session import Session, connected
from interfaces.cli.subscription import follow


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise device`."""
    app.command("watch")(watch)


@connected
def watch(session: Session, device: DeviceArgument) -> None:
    """Tell each change of a device, until it is decommissioned or Ctrl-C.

    With --json, one CloudEvent a line."""
    found = find.device(session.client, device)
    session.note("Watching. Ctrl-C ends this; the device goes on.")
    for change in changes_of(session, found["id"], found["changed"]):
        _tell(session, change["event"])


def changes_of(session: Session, device_id: str, after: int) -> Iterator[dict[str, Any]]:
    """Every change of a device after a position."""
    return follow(
        session.client.server,
        queries.CHANGED,
        {"id": device_id},
        position_of=lambda change: change["event"]["position"],
        after=after,
    )


def watch_all(session: Session, wanted: dict[str, Any]) -> None:
    """A table that stays true, at a terminal; else, and with --json, a line for each change."""
    client = session.client
    head = int(client.run(queries.HEAD)["system"]["head"])
    devices = list(client.pages(queries.LIST, "devices", filter=wanted))
    changes = follow(
        client.server,
        queries.FLEET_CHANGED,
        {},
        position_of=lambda change: change["event"]["position"],
        after=head,
    )
    console = show.console()
    if session.json or not console.is_terminal:
        for change in changes:
            if means(wanted, change["device"]):
                _tell(session, change["event"])
        return
    from rich.live import Live

    shown = {device["id"]: device for device in devices}
    with Live(table_of(_newest_first(shown)), console=console, refresh_per_second=8) as live:
        for change in changes:
            take(shown, wanted, change["device"])
            live.update(table_of(_newest_first(shown)))


def take(shown: dict[str, Any], wanted: dict[str, Any], device: dict[str, Any]) -> None:
    """Puts a device as it is now among those that are shown, or takes it away. One that was read
    after this change stays as it was read."""
    known = shown.get(device["id"])
    if known is not None and known["changed"] > device["changed"]:
        return
    if means(wanted, device):
        shown[device["id"]] = device
    else:
        shown.pop(device["id"], None)


def means(wanted: dict[str, Any], device: dict[str, Any]) -> bool:
    """Whether the filter means the device, as the server would say."""
    held = {f"{label['name']}={label['value']}" for label in device["labels"]}
    profile = device["profile"]["id"] if device["profile"] else None
    return (
        wanted.get("online") in (None, device["online"])
        and wanted.get("group") in (None, device["group"])
        and wanted.get("deviceProfileId") in (None, profile)
        and wanted.get("decommissioned", False) in (None, device["decommissioned"])
        and held.issuperset(wanted.get("labels") or ())
        and (wanted.get("text") or "").lower() in device["name"].lower()
    )


def _newest_first(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(shown.values(), key=lambda device: int(device["position"]), reverse=True)


def _tell(session: Session, event: dict[str, Any]) -> None:
    if session.json:
        events.print_json_line(cloud_event(event, session.client.server.url))
    else:
        show.line(events.story_line(event))
