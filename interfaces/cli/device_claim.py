"""`edgewise device claim`, `claims` and `withdraw`: codes with which devices join."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.device_options import GroupOption, LabelOption, ProfileOption, as_input, labels
from interfaces.cli.device_shown import labels_of
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now, seconds_of
from interfaces.cli.plain import when
from interfaces.cli.queries import device_claim as queries
from interfaces.cli.session import Session, connected

_COLORS = {"OPEN": "green", "USED": "dim", "WITHDRAWN": "yellow", "EXPIRED": "yellow"}


class ClaimStatus(StrEnum):
    OPEN = "OPEN"
    USED = "USED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


def register(app: typer.Typer) -> None:
    """Adds the commands to `edgewise device`."""
    app.command("claim")(claim)
    app.command("claims")(claims)
    app.command("withdraw")(withdraw)


@connected
def claim(
    session: Session,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 1,
    expires: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long they are open: 10m, 2h, 1d.")
    ] = "1d",
    label: LabelOption = None,
    group: GroupOption = None,
    profile: ProfileOption = None,
) -> None:
    """Make one-time codes; a device that joins with one has these labels, group and profile.

    The codes are shown this once, one a line on standard output."""
    client = session.client
    payload = client.change(
        queries.ISSUE,
        count=count,
        expiresIn=seconds_of(expires, "expires"),
        labels=as_input(labels(label)),
        group=group,
        profile=find.profile(client, profile)["id"] if profile else None,
    )
    session.answer(payload, lambda: _print_codes(session, payload["claims"]))


def _print_codes(session: Session, issued: list[dict[str, Any]]) -> None:
    for one in issued:
        show.line(f"[bold]{show.text(one['code'])}[/bold]")
    server = session.client.server.url
    show.note(
        f"Open until {when(issued[0]['expiresAt'])}. On the device: edgewise-edge join CODE "
        f"--server {show.text(server)}"
    )


@connected
def claims(
    session: Session,
    status: Annotated[
        ClaimStatus | None, typer.Option(case_sensitive=False, help="Only these.")
    ] = None,
    as_of: AsOfOption = None,
) -> None:
    """List claims, never their codes: now, or as they were at a moment."""
    given = {"status": status.value if status else None, "asOf": as_of_or_now(as_of)}
    found = list(session.client.pages(queries.LIST, "deviceClaims", **given))
    columns = ("Id", "Status", "Until", "Device", "Labels", "Group", "Issued", "By")
    session.answer(
        found, lambda: show.table(columns, map(_row, found), empty="There are no such claims.")
    )


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    color, device = _COLORS[one["status"]], one["device"]
    return (
        short(one["id"]),
        f"[{color}]{one['status'].lower()}[/{color}]",
        when(one["expiresAt"]),
        show.text(device["name"]) if device else "",
        show.text(labels_of(one["labels"])),
        show.text(one["group"] or ""),
        when(one["issuedAt"]),
        show.text(one["issuedBy"]),
    )


@connected
def withdraw(
    session: Session,
    claim: Annotated[str, typer.Argument(help="The claim's id or its beginning.")],
) -> None:
    """Withdraw a claim: nobody can join with it any more."""
    found = find.device_claim(session.client, claim)
    payload = session.client.change(queries.WITHDRAW, id=found["id"])
    session.done(payload, f"The claim {uuid_of(found['id'])} is withdrawn.")
