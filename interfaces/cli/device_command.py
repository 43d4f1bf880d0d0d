"""`edgewise device send`: a command to a device, and its answer as it comes."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.device_options import DeviceArgument
from interfaces.cli.device_shown import kind_of, status_of
from interfaces.cli.dotted import as_json, flat, patch_of
from interfaces.cli.ids import uuid_of
from interfaces.cli.moment import seconds_of
from interfaces.cli.patience import TimeIsOver, within
from interfaces.cli.plain import milliseconds
from interfaces.cli.queries import device as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected
from interfaces.cli.subscription import follow

LONGER_THAN_ITS_LIFE = 30.0
"""Seconds after its end that the platform may take to say that a command expired."""


class Kind(StrEnum):
    PING = "ping"
    COLLECT_LOGS = "collect-logs"
    RESTART_RUNTIME = "restart-runtime"
    SET_CONFIGURATION = "set-configuration"
    DIAGNOSE = "diagnose"


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise device`."""
    app.command("send")(send)


@connected
def send(
    session: Session,
    device: DeviceArgument,
    kind: Annotated[Kind, typer.Argument(case_sensitive=False, help="What it shall do.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="collect-logs lines=500; set-configuration log_level=debug; diagnose disk."
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long it waits for the device: 60s, 1d.")
    ] = "60s",
    wait: Annotated[bool, typer.Option(help="Wait for the answer.")] = True,
) -> None:
    """Send a command to a device and show its answer.

    Exits with 1 where it failed, was refused, or expired without an answer."""
    lifetime = seconds_of(expires, "expires")
    asked = arguments_of(kind, arguments or ())
    found = find.device(session.client, device)
    if wait:
        ended = answer_of(session, found, kind.name, asked, lifetime)
        session.answer(ended, lambda: _print(ended))
    else:
        payload = _sent(session, found, kind.name, asked, lifetime)
        command = payload["deviceCommand"]
        session.done(payload, f"{kind_of(command)} is sent: {uuid_of(command['id'])}.")


def answer_of(
    session: Session, device: dict[str, Any], kind: str, arguments: dict[str, Any], lifetime: int
) -> dict[str, Any]:
    """Sends a command and waits until it has succeeded. Refuses with its status otherwise."""
    command = _sent(session, device, kind, arguments, lifetime)["deviceCommand"]
    if not device["online"]:
        session.note(f"The device is offline: the command waits for {lifetime} s.")
    ended = _answered(session, command, lifetime + LONGER_THAN_ITS_LIFE)
    session.client.position = max(session.client.position, ended["changed"])
    return require_success(ended)


def _sent(
    session: Session, device: dict[str, Any], kind: str, arguments: dict[str, Any], lifetime: int
) -> dict[str, Any]:
    return session.client.change(
        queries.SEND,
        id=device["id"],
        kind=kind,
        arguments=arguments,
        expiresIn=lifetime,
    )


def arguments_of(kind: Kind, words: Sequence[str]) -> dict[str, Any]:
    """What the words mean for a command of this kind. Refuses INVALID."""
    if kind is Kind.DIAGNOSE and len(words) == 1 and "=" not in words[0]:
        return {"diagnostic": words[0].upper()}
    given = patch_of(words, "arguments")
    return {"configuration": given} if kind is Kind.SET_CONFIGURATION else given


def _answered(session: Session, command: dict[str, Any], patience: float) -> dict[str, Any]:
    """The command when it has ended; as it is known last where nothing more comes."""
    steps = follow(
        session.client.server,
        queries.COMMAND_PROGRESSED,
        {"id": command["id"]},
        position_of=lambda step: step["changed"],
        after=command["position"] - 1,
    )
    try:
        with show.console(stderr=True).status(f"{kind_of(command)}: waiting for the answer"):
            for step in within(steps, patience):
                command = step
    except TimeIsOver:
        pass
    except KeyboardInterrupt:
        session.note("The command goes on. See `edgewise device show`.")
        raise
    return command


def require_success(command: dict[str, Any]) -> dict[str, Any]:
    """The command, if it succeeded. Refuses with its status and what the device said."""
    status = command["status"]
    if status == "SUCCEEDED":
        return command
    words = {
        "SENT": "No answer has come. Is the gateway running? See `edgewise device show`.",
        "EXPIRED": "No answer came in time: the device is offline, or slow. It does not begin this "
        "command any more.",
    }.get(status, "The device gave no reason.")
    raise CommandRefused(status, command["error"] or words)


def _print(command: dict[str, Any]) -> None:
    sent, ended = (datetime.fromisoformat(command[name]) for name in ("sentAt", "endedAt"))
    took = milliseconds((ended - sent).total_seconds() * 1000)
    show.line(f"{kind_of(command)} {status_of(command)} after {took}")
    show.facts(
        (show.text(path), show.text(value if isinstance(value, str) else as_json(value)))
        for path, value in flat(command["result"] or {})
    )
