"""How a device looks in a terminal: a row of a list, its facts, its twin side by side."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from interfaces.cli import show
from interfaces.cli.dotted import as_json, flat
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.plain import when

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("Id", "Name", "State", "Since", "Labels", "Group", "Twin", "Certificate until")
_OFFLINE = {"STOPPED": "stopped", "LOST": "lost", "CUT_OFF": "cut off"}
_COMMAND = {"SUCCEEDED": "green", "FAILED": "red", "REFUSED": "red", "EXPIRED": "yellow"}


def row_of(device: dict[str, Any]) -> tuple[str, ...]:
    certificate = device["certificate"]
    return (
        short(device["id"]),
        show.text(device["name"]),
        state_of(device),
        when(device["onlineChangedAt"]),
        show.text(labels_of(device["labels"])),
        show.text(device["group"] or ""),
        "in sync" if device["twin"]["inSync"] else "[yellow]differs[/yellow]",
        when(certificate["expiresAt"]) if certificate else "[red]none[/red]",
    )


def table_of(devices: Iterable[dict[str, Any]]) -> "Table":
    """For a screen that is drawn again and again."""
    from rich import box
    from rich.table import Table

    grid = Table(*COLUMNS, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for device in devices:
        grid.add_row(*row_of(device))
    return grid


def state_of(device: dict[str, Any]) -> str:
    if device["decommissioned"]:
        return "[dim]decommissioned[/dim]"
    if device["online"]:
        return "[green]online[/green]"
    reason = _OFFLINE.get(device["offlineReason"] or "")
    return f"offline ({reason})" if reason else "[dim]never online[/dim]"


def labels_of(labels: Sequence[dict[str, str]]) -> str:
    return ", ".join(f"{label['name']}={label['value']}" for label in labels)


def print_device(device: dict[str, Any]) -> None:
    profile, certificate, twin = device["profile"], device["certificate"], device["twin"]
    pairs = [
        ("device", f"[bold]{show.text(device['name'])}[/bold]"),
        ("id", uuid_of(device["id"])),
        ("state", f"{state_of(device)} since {when(device['onlineChangedAt'])}"),
        ("agent", show.text(device["agent"] or "–")),
        ("labels", show.text(labels_of(device["labels"]) or "–")),
        ("group", show.text(device["group"] or "–")),
        ("profile", show.text(profile["name"]) if profile else "–"),
        ("joined", when(device["registeredAt"])),
        ("certificate", _certificate(certificate)),
        *_release(device),
    ]
    pairs += [
        (f"  {show.text(name)}", show.text(value))
        for name, value in sorted(device["facts"].items())
    ]
    show.facts(pairs)
    print_twin(twin)
    commands = device["commands"]["nodes"]
    if commands:
        show.line("")
        columns = ("Command", "Kind", "Status", "Sent", "By", "Answer")
        show.table(columns, map(command_row, commands))


def _release(device: dict[str, Any]) -> list[tuple[str, str]]:
    """What a rollout brought, and what one is bringing."""
    told = []
    if brought := device["installedBy"]:
        told.append(("runs", f"what the rollout {show.text(brought['name'])} brought"))
    if update := device["update"]:
        problem = f": {show.text(update['problem'])}" if update["problem"] else ""
        rollout = f"rollout {short(update['rolloutId'])}"
        told.append(("update", f"{rollout}, {update['state'].lower().replace('_', ' ')}{problem}"))
    return told


def _certificate(certificate: dict[str, Any] | None) -> str:
    if certificate is None:
        return "[red]none: it is kept out until it joins with a new claim[/red]"
    return f"{show.text(certificate['serial'])}, until {when(certificate['expiresAt'])}"


def print_twin(twin: dict[str, Any]) -> None:
    """Side by side; what the device does not report as desired is marked."""
    show.line("")
    show.line(
        f"[bold]twin[/bold]: desired version {twin['desiredVersion']}, reported version "
        f"{twin['reportedVersion']}, "
        + ("[green]in sync[/green]" if twin["inSync"] else "[yellow]not in sync[/yellow]")
    )
    desired, reported = dict(flat(twin["desired"])), dict(flat(twin["reported"]))
    left = dict(flat(twin["delta"]))
    rows = [
        (
            show.text(path),
            _value(desired, path, left),
            _value(reported, path, left),
            "[yellow]≠[/yellow]" if path in left else "",
        )
        for path in sorted({*desired, *reported})
    ]
    show.table(("Key", "Desired", "Reported", ""), rows, empty="Nothing is desired or reported.")


def _value(document: dict[str, Any], path: str, left: dict[str, Any]) -> str:
    if path not in document:
        return "[dim]–[/dim]"
    words = show.text(as_json(document[path]))
    return f"[yellow]{words}[/yellow]" if path in left else words


def command_row(command: dict[str, Any]) -> tuple[str, ...]:
    answer = command["error"] or (as_json(command["result"]) if command["result"] else "")
    return (
        short(command["id"]),
        kind_of(command),
        status_of(command),
        when(command["sentAt"]),
        show.text(command["sentBy"]),
        show.text(answer if len(answer) <= 60 else f"{answer[:59]}…"),
    )


def kind_of(command: dict[str, Any]) -> str:
    """As it is typed."""
    return str(command["kind"]).lower().replace("_", "-")


def status_of(command: dict[str, Any]) -> str:
    color = _COMMAND.get(command["status"], "cyan")
    return f"[{color}]{command['status'].lower()}[/{color}]"
