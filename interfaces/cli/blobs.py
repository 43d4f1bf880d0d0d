"""`edgewise blobs sweep`: for the operator, on a machine that has the installation's settings."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli import show
from interfaces.cli.plain import count, size
from interfaces.cli.session import JsonOption

if TYPE_CHECKING:
    from application.blob_sweep import Swept

app = typer.Typer(no_args_is_help=True, help="The blob store: sweep.")


@app.callback()
def blobs() -> None:
    """The blob store of this installation (an operator's command)."""


@app.command("sweep")
def sweep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look; change nothing, not even marks.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Remove bytes that nothing has referred to for the grace period (EDGEWISE_BLOB_GRACE_HOURS).

    Workers do so every hour. Blobs that are found unreferenced now are marked, and go later.
    """
    from application.blob_sweep import look, sweep_blobs
    from interfaces.cli.processes import installed

    with installed() as installation:
        sweeping = installation.sweeping
        swept = look(sweeping) if dry_run else sweep_blobs(sweeping)
        grace_hours = sweeping.grace.total_seconds() / 3600
    if json:
        show.data({**asdict(swept), "dry_run": dry_run, "grace_hours": grace_hours})
    else:
        _print(swept, dry_run, grace_hours)
    if swept.skipped and not dry_run:
        raise typer.Exit(1)


def _print(swept: "Swept", dry_run: bool, grace_hours: float) -> None:
    if swept.skipped:
        show.line(f"No blob was removed: {swept.skipped}. {size(swept.freed_bytes)} freed.")
        return
    show.line(f"{count(swept.blobs)} blobs, {size(swept.bytes)}")
    show.line(
        f"{count(swept.unreferenced_blobs)} of them, {size(swept.unreferenced_bytes)}, have nothing"
        f" that refers to them; such a blob goes after {grace_hours:g} hours"
    )
    if not dry_run:
        freed = f"{count(swept.freed_blobs)} blobs removed, {size(swept.freed_bytes)} freed"
        show.line(f"[green]✓[/green] {freed}")
