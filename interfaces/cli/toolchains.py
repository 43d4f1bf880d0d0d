"""`edgewise toolchains …`: for the operator, on a machine where a worker runs.

What is installed here is offered by the workers of this machine within seconds.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli import show
from interfaces.cli.plain import seconds, size
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import JsonOption

if TYPE_CHECKING:
    from rich.progress import Progress

    from application.ports.toolchains import InstalledToolchain, Toolchains

app = typer.Typer(
    no_args_is_help=True,
    help="Toolchains of this machine: list, install, remove. For operators.",
)


def register(main: typer.Typer) -> None:
    """Adds the commands to the command line."""
    main.add_typer(app, name="toolchains")


def _names(incomplete: str) -> list[str]:
    """For the shell's completion."""
    with _toolchains() as toolchains:
        return [one.name for one in toolchains.all() if one.name.startswith(incomplete)]


NameArgument = Annotated[
    str, typer.Argument(help="A toolchain of `toolchains list`.", autocompletion=_names)
]


@app.command("list")
def list_them(json: JsonOption = False) -> None:
    """Show which toolchains there are, what for, and which are installed here."""
    with _toolchains() as toolchains:
        found = toolchains.all()
    if json:
        show.data({"toolchains": [_plain(one) for one in found]})
        return
    columns = ("Name", "What it is for", "Here", ">Size", "Packages")
    show.table(columns, map(_row, found), empty="There are no toolchains.")


@app.command()
def install(name: NameArgument, json: JsonOption = False) -> None:
    """Make a toolchain's environment from its lock file. Nothing happens where it is there.

    Ctrl-C, or a failure, leaves nothing behind. A second installation waits for the first.
    """
    begun = time.monotonic()
    with _toolchains() as toolchains, _bar(f"toolchain {name}", json) as bar:
        toolchains.make(name, bar)
        made = next(one for one in toolchains.all() if one.name == name)
    took = time.monotonic() - begun
    if json:
        show.data({"installed": _plain(made), "seconds": round(took, 1)})
        return
    show.line(f"[bold]{show.text(name)}[/bold] is installed: {size(made.bytes)}, {seconds(took)}.")


@app.command()
def remove(name: NameArgument, json: JsonOption = False) -> None:
    """Remove a toolchain's environment, of older lock files too. A job that is using it fails."""
    with _toolchains() as toolchains, _bar(f"toolchain {name}", json) as bar:
        freed = toolchains.remove(name, bar)
    if json:
        show.data({"removed": name, "bytes": freed})
        return
    show.line(f"[bold]{show.text(name)}[/bold] is removed: {size(freed)} freed.")


@dataclass
class _Bar:
    """Implements `application.ports.engine.Watch` on standard error."""

    bars: "Progress | None"
    name: str
    task: Any = None

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None:
        if self.bars is None:
            return
        if self.task is None:
            self.task = self.bars.add_task(show.text(self.name), total=100, message="")
        self.bars.update(self.task, completed=percent, message=show.text(message))

    def cancelled(self) -> bool:
        return False


@contextmanager
def _bar(name: str, json: bool) -> Iterator[_Bar]:
    """None with --json."""
    if json:
        yield _Bar(None, name)
        return
    with show.progress() as bars:
        yield _Bar(bars, name)


@contextmanager
def _toolchains() -> "Iterator[Toolchains]":
    """Those of this machine; what goes wrong with them in one line."""
    from application.ports.toolchains import InstallFailed, UnknownToolchain
    from interfaces.bootstrap import environments_of
    from interfaces.settings import BadSetting, read_settings

    try:
        yield environments_of(read_settings())
    except BadSetting as bad:
        raise CommandRefused("INVALID", str(bad)) from bad
    except UnknownToolchain as unknown:
        raise CommandRefused("NOT_FOUND", str(unknown), "name") from unknown
    except InstallFailed as failed:
        raise CommandRefused(
            "INSTALL_FAILED",
            f"The installer said: {failed} Nothing is left of it. It needs the package index of "
            "PIP_INDEX_URL or UV_DEFAULT_INDEX or, without a network, a folder of wheels: "
            "docs/toolchains.md.",
        ) from failed
    except OSError as error:
        where = error.filename or "the folder of toolchains"
        raise CommandRefused("FILE", f"{where}: {error.strerror or error}") from error


def _plain(one: "InstalledToolchain") -> dict[str, Any]:
    return {
        "name": one.name,
        "what": one.what,
        "wanted": list(one.wanted),
        "installed": one.python is not None,
        "python": None if one.python is None else str(one.python),
        "bytes": one.bytes,
    }


def _row(one: "InstalledToolchain") -> tuple[str, ...]:
    here = "[green]installed[/green]" if one.python else "no"
    if one.python is None and one.bytes:
        here = "[yellow]in parts[/yellow]"
    packages = show.text(", ".join(one.wanted))
    return (show.text(one.name), show.text(one.what), here, size(one.bytes or None), packages)
