"""`edgewise tenant …`: opening tenants and setting what they may do; with a platform key only."""

from enum import StrEnum
from typing import Annotated

import typer

from interfaces.cli import choices, show
from interfaces.cli.ids import relay_id, uuid_of
from interfaces.cli.queries import tenant as queries
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="Tenants (platform keys only).")

TenantArgument = Annotated[str, typer.Argument(help="The tenant's id.")]


class Setting(StrEnum):
    ON = "on"
    OFF = "off"
    DEFAULT = "default"


_ENABLED = {Setting.ON: True, Setting.OFF: False, Setting.DEFAULT: None}


@app.command("register")
@connected
def register(
    session: Session,
    name: Annotated[str, typer.Argument(help="The name of the organization.")],
    plan: Annotated[choices.Plan, typer.Option(case_sensitive=False)] = choices.Plan.FREE,
) -> None:
    """Open a tenant. Then give it a key: `edgewise key issue admin --role owner --tenant ID`."""
    payload = session.client.change(queries.REGISTER, name=name, plan=plan.value)
    made = payload["tenant"]
    session.done(
        payload,
        f"[bold]{show.text(made['name'])}[/bold] ({made['plan'].lower()}) is {uuid_of(made['id'])}",
    )


@app.command("plan")
@connected
def change_plan(
    session: Session,
    tenant: TenantArgument,
    plan: Annotated[choices.Plan, typer.Argument(case_sensitive=False)],
) -> None:
    """Change a tenant's plan."""
    payload = session.client.change(queries.PLAN, id=_id(tenant), plan=plan.value)
    name = show.text(payload["tenant"]["name"])
    session.done(payload, f"[bold]{name}[/bold] is on {plan.value.lower()} now.")


@app.command("flag")
@connected
def set_flag(
    session: Session,
    tenant: TenantArgument,
    flag: Annotated[str, typer.Argument(help="Such as edge_ai_benchmarking.")],
    setting: Annotated[Setting, typer.Argument(help="default: as the environment says.")],
) -> None:
    """Switch a feature on or off for a tenant."""
    payload = session.client.change(
        queries.FLAG, id=_id(tenant), flag=flag, enabled=_ENABLED[setting]
    )
    name = show.text(payload["tenant"]["name"])
    session.done(payload, f"{show.text(flag)} is {setting.value} for [bold]{name}[/bold].")


def _id(tenant: str) -> str:
    return relay_id("Tenant", tenant) or tenant
