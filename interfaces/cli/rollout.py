"""`edgewise rollout …`: releases that go out in waves and stop themselves."""

from typing import Annotated, Any

import typer

from interfaces.cli import find, rollout_draft, rollout_explain, show
from interfaces.cli.ids import short
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import when
from interfaces.cli.queries import rollout as queries
from interfaces.cli.rollout_options import DevicesOption, RolloutArgument
from interfaces.cli.rollout_shown import (
    UPDATE_COLUMNS,
    bar,
    print_rollout,
    status_of,
    update_row,
)
from interfaces.cli.rollout_watch import require_completed, watched
from interfaces.cli.session import Session, connected

app = typer.Typer(
    no_args_is_help=True,
    help="Signed rollouts: start, watch, decide, take back, explain.",
)
rollout_draft.register(app)
rollout_explain.register(app)
MessageOption = Annotated[str | None, typer.Option("--message", "-m", help="Why, for others.")]


@app.command("list")
@connected
def list_rollouts(session: Session, as_of: AsOfOption = None) -> None:
    """List the rollouts: now, or at a moment."""
    found = list(session.client.pages(queries.LIST, "rollouts", asOf=as_of_or_now(as_of)))
    columns = ("Id", "Name", "Status", ">Wave", "Devices", "Drafted")
    session.answer(
        found, lambda: show.table(columns, map(_row, found), empty="There are no rollouts yet.")
    )


def _row(rollout: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(rollout["id"]),
        show.text(rollout["name"]),
        status_of(rollout),
        f"{rollout['wave']} of {len(rollout['waveSizes'])}" if rollout["waveSizes"] else "–",
        bar(rollout["updateCounts"]) if rollout["updateCounts"] else "–",
        when(rollout["draftedAt"]),
    )


@app.command("show")
@connected
def show_rollout(session: Session, rollout: RolloutArgument, as_of: AsOfOption = None) -> None:
    """Show a rollout and each of its devices: now, or at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    found = find.rollout(client, rollout, at)
    updates = list(client.pages(queries.UPDATES, "rollout", "updates", id=found["id"], asOf=at))

    def human() -> None:
        print_rollout(found)
        show.table(UPDATE_COLUMNS, map(update_row, updates))

    session.answer({**found, "updates": updates}, human)


@app.command("watch")
@connected
def watch(session: Session, rollout: RolloutArgument) -> None:
    """Follow a rollout live until it has ended or is paused. Exits with 1 unless it completed."""
    ended = watched(session, find.rollout(session.client, rollout))
    session.answer(ended, lambda: print_rollout(ended))
    require_completed(ended)


@app.command("approve")
@connected
def approve(session: Session, rollout: RolloutArgument) -> None:
    """Approve a rollout: who is meant is fixed, and it begins."""
    _act(session, queries.APPROVE, rollout)


@app.command("pause")
@connected
def pause(session: Session, rollout: RolloutArgument, message: MessageOption = None) -> None:
    """Stop offering. What is under way on devices goes on."""
    _act(session, queries.PAUSE, rollout, message=message)


@app.command("resume")
@connected
def resume(session: Session, rollout: RolloutArgument) -> None:
    """Go on with a paused rollout; failures before this are not counted again."""
    _act(session, queries.RESUME, rollout)


@app.command("promote")
@connected
def promote(session: Session, rollout: RolloutArgument) -> None:
    """Let the next wave begin."""
    _act(session, queries.PROMOTE, rollout)


@app.command("abort")
@connected
def abort(
    session: Session,
    rollout: RolloutArgument,
    revert: Annotated[
        bool, typer.Option("--revert/--keep", help="Take back what is installed, or leave it.")
    ] = False,
    message: MessageOption = None,
) -> None:
    """End a rollout now."""
    _act(session, queries.ABORT, rollout, revert=revert, message=message)


@app.command("retry")
@connected
def retry(session: Session, rollout: RolloutArgument, device: DevicesOption = None) -> None:
    """Try again on devices that failed: on all of them, or on those that are named."""
    ids = [find.device(session.client, one)["id"] for one in device or ()]
    _act(session, queries.RETRY, rollout, devices=ids or None)


@app.command("force")
@connected
def force(
    session: Session,
    rollout: RolloutArgument,
    device: Annotated[str, typer.Argument(help="The device's name or id.")],
) -> None:
    """Let one device go now, before its wave and outside its window."""
    _act(session, queries.FORCE, rollout, device=find.device(session.client, device)["id"])


def _act(session: Session, document: str, wanted: str, **more: Any) -> None:
    found = find.rollout(session.client, wanted)
    payload = session.client.change(document, id=found["id"], **more)
    session.answer(payload, lambda: print_rollout(payload["rollout"]))
