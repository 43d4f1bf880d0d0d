"""`edgewise member …`: who belongs to the organization. A link to join is printed once, alone on
standard output.
"""

from typing import Annotated, Any

import typer

from interfaces.cli import choices, show
from interfaces.cli.client import Client
from interfaces.cli.ids import by_beginning, short
from interfaces.cli.plain import plain, when
from interfaces.cli.queries import member as queries
from interfaces.cli.refused import CommandRefused, not_found
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="Members: list, invite, role, remove, withdraw.")

Who = Annotated[str, typer.Argument(help="E-mail address, name, id or its beginning.")]
RoleOption = Annotated[choices.Role, typer.Option(case_sensitive=False, help="What they may do.")]


@app.command("list")
@connected
def list_members(session: Session) -> None:
    """List the members."""
    members = list(session.client.pages(queries.MEMBERS, "members"))
    columns = ("Id", "Name", "E-mail", "Role", "Joined")
    session.answer(members, lambda: show.table(columns, map(_member_row, members)))


def _member_row(member: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(member["userId"]),
        show.text(member["name"] or ""),
        show.text(member["email"] or ""),
        member["role"].lower(),
        when(member["joinedAt"]),
    )


@app.command("invite")
@connected
def invite(
    session: Session,
    email: Annotated[str, typer.Argument(help="Whom.")],
    role: RoleOption = choices.Role.OPERATOR,
) -> None:
    """Invite somebody. Hand the link over yourself: it is good once, for seven days."""
    payload = session.client.change(queries.INVITE, email=email, role=role.value)

    def human() -> None:
        made = payload["invitation"] or {"email": email, "role": role.value}
        show.note(
            f"[bold]{show.text(made['email'] or email)}[/bold] may join as "
            f"{made['role'].lower()} by this link. It is not shown again."
        )
        show.line(plain(payload["url"] or "").replace("[", "\\["))

    session.answer(payload, human)


@app.command("invitations")
@connected
def list_invitations(session: Session) -> None:
    """List the invitations, old ones included."""
    held = list(session.client.pages(queries.INVITATIONS, "invitations"))
    columns = ("Id", "E-mail", "Role", "Status", "Until", "By")
    session.answer(held, lambda: show.table(columns, map(_invitation_row, held)))


def _invitation_row(invitation: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(invitation["id"]),
        show.text(invitation["email"] or ""),
        invitation["role"].lower(),
        invitation["status"].lower(),
        when(invitation["expiresAt"]),
        show.text(invitation["invitedBy"]),
    )


@app.command("withdraw")
@connected
def withdraw(
    session: Session,
    invitation: Annotated[str, typer.Argument(help="The address it is for, or its id.")],
) -> None:
    """Withdraw an invitation: its link opens nothing from then on."""
    held = list(session.client.pages(queries.INVITATIONS, "invitations"))
    open_ones = [one for one in held if one["email"] == invitation and one["status"] == "OPEN"]
    exact = open_ones[0]["id"] if open_ones else None
    found = exact or by_beginning(invitation, [one["id"] for one in held], "invitation")
    if found is None:
        raise not_found("invitation", invitation, "invitation")
    payload = session.client.change(queries.WITHDRAW, id=found)
    session.done(payload, "The invitation is withdrawn.")


@app.command("role")
@connected
def change_role(
    session: Session,
    member: Who,
    role: Annotated[choices.Role, typer.Argument(case_sensitive=False)],
) -> None:
    """Change what a member may do. The last owner stays one."""
    payload = session.client.change(queries.ROLE, id=_id(session.client, member), role=role.value)
    session.done(payload, f"{show.text(member)} is {role.value.lower()} now.")


@app.command("remove")
@connected
def remove(session: Session, member: Who) -> None:
    """Remove a member, at once. The last owner stays."""
    payload = session.client.change(queries.REMOVE, id=_id(session.client, member))
    session.done(payload, f"{show.text(member)} is no longer a member.")


def _id(client: Client, wanted: str) -> str:
    held = list(client.pages(queries.MEMBERS, "members"))
    exact = [one for one in held if wanted in (one["email"], one["name"], one["userId"])]
    if len(exact) > 1:
        raise CommandRefused("AMBIGUOUS", f"Several members are {wanted}. Give an id.", "member")
    found = exact[0]["userId"] if exact else None
    found = found or by_beginning(wanted, [one["userId"] for one in held], "member")
    if found is None:
        raise not_found("member", wanted, "member")
    return str(found)
