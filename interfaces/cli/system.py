"""`edgewise status`, `login` and `logout`: which server this is, who asks, and how it does."""

from typing import Annotated, Any

import typer

from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.connection import Server, checked_url, forget_login, remember_login
from interfaces.cli.plain import count
from interfaces.cli.queries import events as queries
from interfaces.cli.queries import tenant as tenant_queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import JsonOption, Session, TokenOption, connected


@connected
def status(session: Session) -> None:
    """Show the server, who you are, and its health.

    Its health is how far each projection is behind, and why one has stopped.
    """
    client = session.client
    found = client.run(tenant_queries.VIEWER) | client.run(queries.SYSTEM)
    found["server"] = {"url": client.server.url, "origin": client.server.origin}
    session.answer(found, lambda: _print(found))


def _print(found: dict[str, Any]) -> None:
    viewer, system, server = found["viewer"], found["system"], found["server"]
    tenant = viewer["tenant"]
    off = [flag["name"] for flag in viewer["flags"] if not flag["enabled"]]
    platform = ", platform" if viewer["platform"] else ""
    show.facts(
        [
            ("server", show.text(f"{server['url']} ({server['origin']})")),
            ("version", show.text(f"{system['version']}, {system['environment']}")),
            ("tenant", show.text(f"{tenant['name']}, {tenant['plan'].lower()}")),
            ("you", show.text(f"{viewer['actor']}, {viewer['role'].lower()}{platform}")),
            ("switched off", show.text(", ".join(off) or "nothing")),
            ("head", count(system["head"])),
            *_outbox(system["outbox"]),
        ]
    )
    columns = ("Follower", ">Position", ">Lag", "State")
    show.table(columns, map(_follower, system["followers"]))


def _outbox(outbox: list[dict[str, Any]] | None) -> list[tuple[str, str]]:
    """Told to the operator alone."""
    if outbox is None:
        return []
    waiting = (
        f"{count(each['waiting'])} of {show.text(each['kind'])}, "
        f"the oldest for {each['oldestSeconds']:.0f} s"
        for each in outbox
    )
    return [("outbox", "; ".join(waiting) or "empty")]


def _follower(follower: dict[str, Any]) -> tuple[str, ...]:
    state = "[green]running[/green]"
    if follower["stoppedPosition"] is not None:
        words = (
            f"stopped at {follower['stoppedPosition']} ({follower['stoppedTopic']}): "
            f"{follower['stoppedError']}"
        )
        state = f"[red]{show.text(words)}[/red]"
    return (
        show.text(follower["name"]),
        count(follower["position"]),
        count(follower["lag"]),
        state,
    )


def login(
    url: Annotated[str, typer.Argument(help="Such as https://edge.example.com.")],
    token: TokenOption = None,
    json: JsonOption = False,
) -> None:
    """Sign in to a server for later commands.

    The token is kept in a file that only you can read.
    """
    address = checked_url(url)
    secret = token or typer.prompt("API key", hide_input=True, err=True)
    server = Server(address, secret.strip(), "login")
    with Client(server) as client:
        viewer = client.run(tenant_queries.VIEWER)["viewer"]
        stored = remember_login(server)
        answer = {"server": address, "viewer": viewer, "file": str(stored)}
        Session(client, json).done(
            answer,
            f"Signed in to {show.text(address)} as {show.text(viewer['actor'])} of "
            f"[bold]{show.text(viewer['tenant']['name'])}[/bold].",
        )


def logout(
    url: Annotated[str | None, typer.Argument(help="Else the last one signed in to.")] = None,
    json: JsonOption = False,
) -> None:
    """Forget the token of a server."""
    forgotten = forget_login(checked_url(url) if url else None)
    if forgotten is None:
        raise CommandRefused("NOT_FOUND", "No such login is stored.", "url")
    if json:
        show.data({"server": forgotten})
    else:
        show.line(f"Signed out of {show.text(forgotten)}.")
