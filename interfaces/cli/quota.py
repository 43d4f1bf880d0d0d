"""`edgewise quota`: what the plan allows, what is used, and when it resets."""

from typing import Annotated, Any

import typer

from interfaces.cli import show
from interfaces.cli.ids import uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import count, plain, size, when
from interfaces.cli.queries import tenant as queries
from interfaces.cli.session import Session, connected


@connected
def quota(
    session: Session,
    units: Annotated[
        bool, typer.Option("--units", help="Also what each unit was spent on.")
    ] = False,
    as_of: AsOfOption = None,
) -> None:
    """Show what is used of the plan, and when it resets: now, or at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    found = client.run(queries.QUOTA, asOf=at)
    if units:
        found["quotas"] = client.run(queries.QUOTA_UNITS, first=100, asOf=at)["quotas"]
    session.answer(found, lambda: _print(found, units=units))


def _print(found: dict[str, Any], *, units: bool) -> None:
    tenant = found["viewer"]["tenant"]
    largest = size(tenant["limits"]["largestModelBytes"])
    show.line(
        f"[bold]{show.text(tenant['name'])}[/bold] is on {tenant['plan'].lower()}: models of "
        f"{largest} at most."
    )
    columns = ("Kind", "Period", ">Used", ">Limit", "Resets")
    show.table(columns, map(_row, found["quotas"]))
    if units:
        for one in found["quotas"]:
            spent = [edge["node"] for edge in one["units"]["edges"]]
            heads = (plain(one["kind"]).capitalize(), "Spent", "By event", "Returned")
            show.table(heads, map(_unit, spent))


def _row(quota: dict[str, Any]) -> tuple[str, ...]:
    full = quota["limit"] is not None and quota["used"] >= quota["limit"]
    used = f"[red]{quota['used']:,}[/red]" if full else f"{quota['used']:,}"
    limit = "unlimited" if quota["limit"] is None else count(quota["limit"])
    return (
        show.text(quota["kind"]),
        show.text(quota["period"]),
        used,
        limit,
        when(quota["resetsAt"]) if quota["resetsAt"] else "never",
    )


def _unit(unit: dict[str, Any]) -> tuple[str, ...]:
    event = unit["spentBy"]
    by = f"{event['position']} {event['topic']} by {event['actor']}" if event else "–"
    returned = f"{when(unit['returnedAt'])}: {unit['returnedReason']}" if unit["returnedAt"] else ""
    return uuid_of(unit["subject"]), when(unit["spentAt"]), show.text(by), show.text(returned)
