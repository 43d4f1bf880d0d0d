"""`edgewise device logs`: what an agent wrote last, fetched from the device."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.device_command import answer_of
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.download import download_file
from interfaces.cli.moment import seconds_of
from interfaces.cli.plain import plain
from interfaces.cli.queries import device as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise device`."""
    app.command("logs")(logs)


@connected
def logs(
    session: Session,
    device: DeviceArgument,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000)] = 1_000,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write them here, as they are.")
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long to wait for the device: 60s, 1d.")
    ] = "60s",
) -> None:
    """Have a device upload its latest log lines, and print or keep them.

    Printed, what could steer a terminal shows as what it is."""
    found = find.device(session.client, device)
    asked = {"lines": lines}
    command = answer_of(session, found, "COLLECT_LOGS", asked, seconds_of(expires, "expires"))
    data = session.client.run(queries.COMMAND_LOGS, id=command["id"])
    file = data["deviceCommand"]["logs"]
    if file is None:
        raise CommandRefused("NOT_FOUND", "The device answered without logs.", "device")
    with TemporaryDirectory(prefix="edgewise-logs-") as folder:
        kept = output or Path(folder) / "device.log"
        if file["bytes"]:
            download_file(session, {**file, "path": kept.name}, kept)
        else:
            kept.write_bytes(b"")
        text = "" if output else kept.read_text(errors="replace")
    _answer(session, {**command, "logs": file}, output, text)


def _answer(session: Session, command: dict[str, Any], output: Path | None, text: str) -> None:
    if output is not None:
        session.done(command, f"{command['logs']['bytes']:,} bytes are in {show.text(output)}.")
    else:
        session.answer({**command, "text": text}, lambda: typer.echo(plain(text, one_line=False)))
