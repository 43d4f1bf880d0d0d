"""`edgewise profile …`: the hardware that models are meant for."""

import re
from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.model import confirmed
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import size
from interfaces.cli.queries import profile as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="Device profiles: list, define, revise, delete.")

ProfileArgument = Annotated[str, typer.Argument(help="The profile's name or id.")]
MemoryOption = Annotated[
    str, typer.Option(help="What a model may use at most, such as 512MiB or 8GB.")
]
RuntimeOption = Annotated[
    list[str], typer.Option("--runtime", help="Installed, such as onnxruntime; may be repeated.")
]
AcceleratorOption = Annotated[
    list[str] | None,
    typer.Option("--accelerator", help="Beyond the CPU, such as cuda; may be repeated."),
]
ArchitectureOption = Annotated[choices.Architecture, typer.Option(case_sensitive=False)]
CoresOption = Annotated[int, typer.Option(min=1, max=1024)]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(given: str) -> int:
    """`512MiB`, `8GB`, `1048576`. Refuses INVALID."""
    match = _SIZE.fullmatch(given.strip())
    if match is None:
        raise CommandRefused(
            "INVALID", f"“{given}” is no size. Give one such as 512MiB or 8GB.", "memory"
        )
    unit = (match[2] or "").lower()
    base = 1024 if unit.endswith("i") else 1000
    return int(float(match[1]) * base ** _POWERS[unit.removesuffix("i")])


@app.command("list")
@connected
def list_profiles(session: Session, as_of: AsOfOption = None) -> None:
    """List the built-in templates and your own profiles: now, or as they were at a moment."""
    at = as_of_or_now(as_of)
    profiles = list(session.client.run(queries.TEMPLATES)["deviceProfileTemplates"])
    profiles += session.client.pages(queries.LIST, "deviceProfiles", asOf=at)
    columns = ("Id", "Name", "Architecture", ">Cores", ">Memory", "Runtimes", "Accelerators", "")
    session.answer(profiles, lambda: show.table(columns, map(_row, profiles)))


def _row(profile: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(profile["id"]),
        show.text(profile["name"]),
        profile["architecture"].lower(),
        str(profile["cores"]),
        size(profile["memoryBytes"]),
        show.text(", ".join(profile["runtimes"])),
        show.text(", ".join(profile["accelerators"])),
        "template" if profile["template"] else "",
    )


@app.command("define")
@connected
def define(
    session: Session,
    name: Annotated[str, typer.Argument(help="A name of your own for it.")],
    architecture: ArchitectureOption,
    cores: CoresOption,
    memory: MemoryOption,
    runtime: RuntimeOption,
    accelerator: AcceleratorOption = None,
) -> None:
    """Define a profile."""
    hardware = _hardware(architecture, cores, memory, runtime, accelerator)
    payload = session.client.change(queries.DEFINE, name=name, hardware=hardware)
    made = payload["deviceProfile"]
    session.done(payload, f"[bold]{show.text(made['name'])}[/bold] is {uuid_of(made['id'])}.")


@app.command("revise")
@connected
def revise(
    session: Session,
    profile: ProfileArgument,
    architecture: ArchitectureOption,
    cores: CoresOption,
    memory: MemoryOption,
    runtime: RuntimeOption,
    accelerator: AcceleratorOption = None,
) -> None:
    """Describe a profile anew."""
    found = find.profile(session.client, profile)
    hardware = _hardware(architecture, cores, memory, runtime, accelerator)
    payload = session.client.change(queries.REVISE, id=found["id"], hardware=hardware)
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is revised.")


@app.command("delete")
@connected
def delete(
    session: Session,
    profile: ProfileArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a profile of your own."""
    found = find.profile(session.client, profile)
    confirmed(session, f"Delete the profile “{found['name']}”?", yes=yes)
    payload = session.client.change(queries.DELETE, id=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is deleted.")


def _hardware(
    architecture: choices.Architecture,
    cores: int,
    memory: str,
    runtimes: list[str],
    accelerators: list[str] | None,
) -> dict[str, Any]:
    return {
        "architecture": architecture.value,
        "cores": cores,
        "memoryBytes": bytes_of(memory),
        "runtimes": runtimes,
        "accelerators": accelerators or [],
    }
