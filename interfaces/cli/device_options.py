"""The options and arguments that commands on devices have in common."""

from typing import Annotated, Any

import typer

from interfaces.cli import find
from interfaces.cli.client import Client
from interfaces.cli.connection import find_server
from interfaces.cli.queries import device as queries
from interfaces.cli.refused import CommandRefused

MOST_COMPLETED = 100


def names(incomplete: str) -> list[str]:
    """For the shell's completion; nothing where there is no server to ask."""
    try:
        with Client(find_server(None, None)) as client:
            wanted = {"text": incomplete} if incomplete else None
            found = client.run(queries.NAMES, first=MOST_COMPLETED, filter=wanted)
    except CommandRefused:
        return []
    held = [node["name"] for node in found["devices"]["nodes"]]
    return [name for name in held if name.casefold().startswith(incomplete.casefold())]


DeviceArgument = Annotated[
    str,
    typer.Argument(help="The device's name or id.", show_default=False, autocompletion=names),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="Such as site=berlin; may be repeated."),
]
GroupOption = Annotated[str | None, typer.Option("--group", help="The group it is in.")]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="A device profile's name or id.")
]
OnlineOption = Annotated[
    bool | None, typer.Option("--online/--offline", help="Only those; both by default.")
]
TextOption = Annotated[str | None, typer.Option("--text", help="Only names with this in them.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def labels(given: list[str] | None) -> dict[str, str]:
    """Refuses INVALID for what is no NAME=VALUE."""
    made: dict[str, str] = {}
    for label in given or ():
        name, equals, value = label.partition("=")
        if not equals:
            raise CommandRefused(
                "INVALID", f"“{label}” is no NAME=VALUE, such as site=berlin.", "label"
            )
        made[name] = value
    return made


def as_input(held: dict[str, str]) -> list[dict[str, str]]:
    """Labels as the API takes them."""
    return [{"name": name, "value": value} for name, value in held.items()]


def question(
    client: Client,
    *,
    label: list[str] | None,
    online: bool | None,
    group: str | None,
    profile: str | None,
    text: str | None,
) -> dict[str, Any]:
    """Which devices are meant, as the API asks it; what is not given is left out."""
    asked = {
        "labels": [f"{name}={value}" for name, value in labels(label).items()] or None,
        "online": online,
        "group": group,
        "deviceProfileId": find.profile(client, profile)["id"] if profile else None,
        "text": text,
    }
    return {name: value for name, value in asked.items() if value is not None}
