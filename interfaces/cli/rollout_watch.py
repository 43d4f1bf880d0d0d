"""Following a rollout live: each device as it moves, each decision as it is made."""

from collections.abc import Callable
from typing import Any

import typer

from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.plain import when
from interfaces.cli.queries import rollout as queries
from interfaces.cli.refused import ServerAway
from interfaces.cli.rollout_shown import rule_line, state_of, status_of
from interfaces.cli.session import Session
from interfaces.cli.subscription import follow

ENDED = ("COMPLETED", "ROLLED_BACK", "ROLLBACK_INCOMPLETE", "ABORTED", "PAUSED")


def ended(
    client: Client, rollout: dict[str, Any], on_step: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Follows a rollout from its draft until it has ended or is paused, and gives it then."""
    for step in follow(
        client.server,
        queries.PROGRESSED,
        {"id": rollout["id"]},
        position_of=lambda step: int(step["event"]["position"]),
        after=rollout["position"] - 1,
    ):
        client.position = max(client.position, step["event"]["position"])
        on_step(step)
        if step["update"] is None and step["rollout"]["status"] in ENDED:
            # It may have gone on since: what was paused was resumed, what was kept taken back.
            found: dict[str, Any] = client.run(queries.FIND, id=rollout["id"])["rollout"]
            if found["status"] in ENDED:
                return found
    raise ServerAway("The rollout was not followed to its end. Watch it again.")


def watched(session: Session, rollout: dict[str, Any]) -> dict[str, Any]:
    """`ended`, with a line for each step. Ctrl-C raises KeyboardInterrupt after a word."""
    try:
        return ended(session.client, rollout, lambda step: session.note(line_of(step)))
    except KeyboardInterrupt:
        session.note(
            "The rollout goes on. Watch it again: "
            f"[bold]edgewise rollout watch {uuid_of(rollout['id'])}[/bold]"
        )
        raise


def require_completed(rollout: dict[str, Any]) -> None:
    """For scripts: whatever else became of it ends the command with the exit code 1."""
    if rollout["status"] != "COMPLETED":
        raise typer.Exit(1)


def line_of(step: dict[str, Any]) -> str:
    """An event of a rollout or of one of its devices, for people."""
    at = f"[dim]{when(step['event']['recordedAt'])}[/dim]"
    update, rollout = step["update"], step["rollout"]
    if update is not None:
        device = update["device"]
        name = show.text(device["name"] if device else short(update["deviceId"]))
        problem = f": {show.text(update['problem'])}" if update["problem"] else ""
        return f"{at}   {name} {state_of(update['state'])}{problem}"
    phase = f", {rollout['phase'].lower()}" if rollout["phase"] else ""
    wave = f" wave {rollout['wave']} of {len(rollout['waveSizes'])}" if rollout["wave"] else ""
    decided = rollout["evidence"] and step["event"]["topic"] in DECIDED
    why = f" – {rule_line(rollout['evidence']['rule'])}" if decided else ""
    message = f" – {show.text(rollout['message'])}" if rollout["message"] else ""
    return f"{at} [bold]{status_of(rollout)}[/bold]{wave}{phase}{why}{message}"


DECIDED = (
    "rollout.wave-promoted",
    "rollout.decision-awaited",
    "rollout.paused",
    "rollout.rollback-started",
    "rollout.completed",
)
