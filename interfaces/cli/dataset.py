"""`edgewise dataset …`: data to calibrate with and to judge by."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.model import confirmed
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import count, size, when
from interfaces.cli.push import push_dataset, with_bar
from interfaces.cli.queries import dataset as queries
from interfaces.cli.refused import not_found
from interfaces.cli.session import Session, connected

app = typer.Typer(no_args_is_help=True, help="Datasets: push, list, show, delete.")

DatasetArgument = Annotated[str, typer.Argument(help="The dataset's name or id.")]


@app.command("push")
@connected
def push(
    session: Session,
    file: Annotated[
        Path, typer.Argument(help="An .npz file: one array for each input of the model, by name.")
    ],
    purpose: Annotated[
        choices.Purpose,
        typer.Option(case_sensitive=False, help="EVALUATION needs an array named labels."),
    ],
    name: Annotated[
        str | None, typer.Option(help="The dataset's name; else the file's, without its ending.")
    ] = None,
) -> None:
    """Push a dataset: a new name is registered, a known one gets a new version."""
    pushed = with_bar(
        session,
        file,
        lambda progress: push_dataset(
            session.client, file, name or file.stem, purpose.value, progress
        ),
    )
    session.answer(pushed, lambda: print_dataset(pushed))


@app.command("list")
@connected
def list_datasets(
    session: Session,
    purpose: Annotated[
        choices.Purpose | None, typer.Option(case_sensitive=False, help="Only these.")
    ] = None,
    as_of: AsOfOption = None,
) -> None:
    """List the datasets: now, or as they were at a moment."""
    wanted, at = purpose.value if purpose else None, as_of_or_now(as_of)
    datasets = list(session.client.pages(queries.LIST, "datasets", purpose=wanted, asOf=at))
    columns = ("Id", "Name", "Purpose", ">Versions", ">Rows", ">Size", "Changed")
    session.answer(
        datasets,
        lambda: show.table(columns, map(_row, datasets), empty="There are no datasets yet."),
    )


def _row(dataset: dict[str, Any]) -> tuple[str, ...]:
    latest = dataset["latest"] or {}
    return (
        short(dataset["id"]),
        show.text(dataset["name"]),
        dataset["purpose"].lower(),
        str(dataset["versions"]),
        count(latest.get("rows")),
        size(latest.get("bytes")),
        when(dataset["updatedAt"]),
    )


@app.command("show")
@connected
def show_dataset(session: Session, dataset: DatasetArgument, as_of: AsOfOption = None) -> None:
    """Show a dataset and what was found in its latest version."""
    at = as_of_or_now(as_of)
    found = find.dataset_or_none(session.client, dataset, queries.SHOW, asOf=at)
    if found is None:
        raise not_found("dataset", dataset, "dataset", at)
    session.answer(found, lambda: print_dataset(found))


def print_dataset(dataset: dict[str, Any]) -> None:
    pairs = [
        ("dataset", f"[bold]{show.text(dataset['name'])}[/bold]"),
        ("id", uuid_of(dataset["id"])),
        ("purpose", dataset["purpose"].lower()),
        ("versions", str(dataset["versions"])),
    ]
    latest = dataset["latest"]
    if latest is not None:
        pairs.append(("latest", f"{latest['rows']:,} rows, {size(latest['bytes'])}"))
        pairs += [("array", show.text(_array(array))) for array in latest["arrays"]]
        if latest["labelCounts"]:
            labels = latest["labelCounts"]
            pairs.append(("labels", f"{len(labels)} classes, {sum(labels.values()):,} rows"))
    show.facts(pairs)


def _array(array: dict[str, Any]) -> str:
    dimensions = ", ".join(str(dimension) for dimension in array["shape"])
    found = f"{array['name']} {array['dtype']} [{dimensions}]"
    if array.get("minimum") is not None:
        found += f", {array['minimum']:g} to {array['maximum']:g}"
    return found


@app.command("delete")
@connected
def delete(
    session: Session,
    dataset: DatasetArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a dataset. Jobs that used it keep what they measured."""
    found = find.dataset(session.client, dataset)
    confirmed(session, f"Delete the dataset “{found['name']}”?", yes=yes)
    payload = session.client.change(queries.DELETE, datasetId=found["id"])
    session.done(payload, f"[bold]{show.text(found['name'])}[/bold] is deleted.")
