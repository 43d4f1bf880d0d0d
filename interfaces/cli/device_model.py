"""`edgewise device run`: having a device run a model."""

from typing import Annotated

import typer

from interfaces.cli import find
from interfaces.cli.artifact import ArtifactArgument
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.device_shown import print_twin
from interfaces.cli.device_twin import awaited, is_reported
from interfaces.cli.moment import seconds_of
from interfaces.cli.queries import device as queries
from interfaces.cli.session import Session, connected


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise device`."""
    app.command("run")(run_model)


@connected
def run_model(
    session: Session,
    device: DeviceArgument,
    artifact: ArtifactArgument,
    wait: Annotated[bool, typer.Option(help="Wait until the device runs it.")] = True,
    timeout: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long to wait for the device: 30s, 10m.")
    ] = "5m",
) -> None:
    """Have a device run an artifact: it fetches and checks it, and runs it in place of the last.

    One that does not load leaves the last one running; the twin then says why."""
    client, patience = session.client, seconds_of(timeout, "timeout")
    found = find.device(client, device)
    payload = client.change(
        queries.MODEL_RUN, id=found["id"], artifact=find.artifact_id(client, artifact)
    )
    changed = payload["device"]
    wanted = {"model": changed["twin"]["desired"]["model"]}
    if wait and not is_reported(wanted, changed["twin"]["delta"]):
        if not changed["online"]:
            session.note("The device is offline: it takes the model when it is back.")
        changed = awaited(session, changed, wanted, patience)
    session.answer({**payload, "device": changed}, lambda: print_twin(changed["twin"]))
