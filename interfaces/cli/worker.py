"""`edgewise workers`: who carries out jobs, and what each can do."""

from typing import Any

from interfaces.cli import show
from interfaces.cli.plain import when
from interfaces.cli.queries import worker as queries
from interfaces.cli.session import Session, connected


@connected
def workers(session: Session) -> None:
    """List the workers and what each can do.

    A silent one has not been heard of for a while; its jobs are taken over by others.
    """
    found = session.client.run(queries.LIST)["workers"]
    columns = ("Id", "Kinds", "Also", "Isolation", ">Cores", "Started", "Seen", "State")
    session.answer(
        found,
        lambda: show.table(columns, map(_row, found), empty="No worker has announced itself."),
    )


def _row(worker: dict[str, Any]) -> tuple[str, ...]:
    facts = worker["facts"] or {}
    also = [word for word in worker["capabilities"] if not word.startswith("kind:")]
    return (
        show.text(worker["id"]),
        show.text(", ".join(worker["kinds"])),
        show.text(", ".join(also)),
        show.text(facts.get("isolation", "")),
        show.text(str(facts.get("cores", ""))),
        when(worker["startedAt"]),
        when(worker["seenAt"]),
        "[red]silent[/red]" if worker["silent"] else "[green]running[/green]",
    )
