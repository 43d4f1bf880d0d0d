"""`edgewise why …`: the chain of events behind an object's state, drawn as a tree.

What several events follow from is drawn once, and pointed back to where it comes up again.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.client import Client
from interfaces.cli.ids import is_id
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import when
from interfaces.cli.queries import tenant as tenant_queries
from interfaces.cli.queries.why import WHY
from interfaces.cli.refused import not_found
from interfaces.cli.session import Session, connected

if TYPE_CHECKING:
    from rich.tree import Tree

PAGE = 100
_TIES = {"USED": "used ", "SUBJECT": "of ", "CAUSE": "", "REQUEST": ""}


@connected
def why(
    session: Session,
    object: Annotated[
        str,
        typer.Argument(
            help="An id of any kind, a model's or dataset's name, MODEL:VARIANT, MODEL:ALIAS, the "
            "beginning of a job's id, or quota:KIND."
        ),
    ],
    as_of: AsOfOption = None,
) -> None:
    """Tell why an object is as it is: what led to its state, back to who asked for it."""
    client, at = session.client, as_of_or_now(as_of)
    told = told_of(client, _wanted(client, object, at), at)
    if told is None:
        raise not_found("object", object, "object", at)
    session.answer(told, lambda: print_chain(told))


def _wanted(client: Client, given: str, at: dict[str, Any] | None) -> str:
    if is_id(given) or ":" not in given:
        return find.anything(client, given, at)
    if given.startswith("quota:"):
        kind = given.removeprefix("quota:")
        for quota in client.run(tenant_queries.QUOTA, asOf=at)["quotas"]:
            if quota["kind"] == kind:
                return str(quota["id"])
        raise not_found("quota", kind, "object", at)
    return find.artifact_id(client, given, at=at)


def told_of(client: Client, id: str, at: dict[str, Any] | None) -> dict[str, Any] | None:
    """The whole chain, page after page, at the one moment of the first."""
    found: dict[str, Any] | None = client.run(WHY, id=id, asOf=at, first=PAGE)["why"]
    if found is None:
        return None
    at = {"position": found["position"]}
    links = list(client.pages(WHY, "why", "links", id=id, asOf=at))
    return {**found, "links": links}


def print_chain(told: dict[str, Any]) -> None:
    from rich.tree import Tree

    links = {_reference(link): link for link in told["links"]}
    tree = Tree(f"[bold]{show.text(told['kind'])}[/bold] {show.text(told['objectId'])}")
    drawn: set[str] = set()
    branches = [(tree, _reference(link), "") for link in told["links"] if link["explains"]]
    # Not by recursion: a chain may be longer than Python's stack is deep.
    waiting = branches[::-1]
    while waiting:
        above, reference, before = waiting.pop()
        link = links[reference]
        if reference in drawn:
            if above is not tree:
                above.add(f"[dim]{before}#{link['event']['position']}, told above[/dim]")
            continue
        drawn.add(reference)
        waiting += _drawn(above.add(_line(link, before)), link, links)[::-1]
    show.console().print(tree, soft_wrap=True)
    if not told["complete"]:
        show.note("More led to this than is followed.")


def _drawn(
    branch: "Tree", link: dict[str, Any], links: dict[str, Any]
) -> "list[tuple[Tree, str, str]]":
    """What led to the event: events to be drawn next; requests are leaves."""
    found = []
    for because in link["because"]:
        if because["reference"] in links:
            found.append((branch, because["reference"], _TIES[because["tie"]]))
        else:
            branch.add(show.text(because["summary"]))
    return found


def _line(link: dict[str, Any], before: str) -> str:
    event = link["event"]
    sets = f" [cyan]{show.text(', '.join(link['explains']))}[/cyan]" if link["explains"] else ""
    place = f"[dim]{before}#{event['position']} {when(event['recordedAt'])}[/dim]"
    return f"{place} {show.text(link['summary'])}{sets}"


def _reference(link: dict[str, Any]) -> str:
    return f"{link['event']['streamId']}/{link['event']['version']}"
