"""`edgewise key …`: API keys. A secret is printed once, alone on standard output."""

from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.ids import relay_id, short, uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import plain, when
from interfaces.cli.queries import tenant as queries
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="API keys: issue, list, revoke.")


@app.command("issue")
@connected
def issue(
    session: Session,
    label: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[
        choices.Role, typer.Option(case_sensitive=False, help="What it may do.")
    ] = choices.Role.OPERATOR,
    tenant: Annotated[
        str | None, typer.Option(help="Another tenant's id (with a platform key).")
    ] = None,
) -> None:
    """Issue a key. Its secret is shown this once: `KEY=$(edgewise key issue ci)`."""
    payload = session.client.change(
        queries.KEY_ISSUE,
        label=label,
        role=role.value,
        tenantId=relay_id("Tenant", tenant) or tenant if tenant else None,
    )

    def human() -> None:
        made = payload["apiKey"]
        show.note(
            f"[bold]{show.text(made['label'])}[/bold] ({made['role'].lower()}, "
            f"{uuid_of(made['id'])}). Keep the secret: it is not shown again."
        )
        show.line(plain(payload["secret"]).replace("[", "\\["))

    session.answer(payload, human)


@app.command("list")
@connected
def list_keys(session: Session, as_of: AsOfOption = None) -> None:
    """List the keys, revoked ones included: now, or as they were at a moment."""
    keys = list(session.client.pages(queries.KEY_LIST, "apiKeys", asOf=as_of_or_now(as_of)))
    columns = ("Id", "Label", "Role", "Created", "By", "Revoked")
    session.answer(keys, lambda: show.table(columns, map(_row, keys)))


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(key["id"]),
        show.text(key["label"]),
        key["role"].lower() + (", platform" if key["platform"] else ""),
        when(key["createdAt"]),
        show.text(key["createdBy"]),
        when(key["revokedAt"]),
    )


@app.command("revoke")
@connected
def revoke(
    session: Session, key: Annotated[str, typer.Argument(help="Its id, or its label.")]
) -> None:
    """Revoke a key, at once and for good."""
    found = find.key(session.client, key)
    payload = session.client.change(queries.KEY_REVOKE, id=found["id"])
    session.done(payload, f"The key {show.text(found['label'])} is revoked.")
