"""Pushing files: a model is registered by its name if it is new, uploaded, and made a version.

The steps are functions on a client, so that the demo pushes in the same way as the command.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, packing, show
from interfaces.cli.client import Client, unreadable
from interfaces.cli.plain import count, plain, shape, size
from interfaces.cli.queries import dataset as dataset_queries
from interfaces.cli.queries import model as queries
from interfaces.cli.refused import CommandRefused, ServerAway
from interfaces.cli.session import Session, connected

Progress = Callable[[int, int], None]


def push_model(
    client: Client, path: Path, name: str, task: str, progress: Progress
) -> dict[str, Any]:
    """The model and the artifact of its new version. Raises CommandRefused.

    The name is settled before the bytes are sent. A file that is refused leaves no empty model;
    a push that was cut off leaves it, to be gone on with."""
    checked_file(path)
    held = find.model_or_none(client, name)
    model = held or client.change(queries.REGISTER, name=name, task=task)["model"]
    try:
        upload_id = client.upload(path, "MODEL", progress)
        payload = client.change(queries.VERSION_UPLOAD, modelId=model["id"], uploadId=upload_id)
    except CommandRefused as refused:
        if held is None and not isinstance(refused, ServerAway):
            client.change(queries.DELETE, modelId=model["id"])
        raise
    return {"model": {"id": model["id"], "name": model["name"]}, "artifact": payload["artifact"]}


def push_dataset(
    client: Client, path: Path, name: str, purpose: str, progress: Progress
) -> dict[str, Any]:
    """The dataset with its new version, as push_model. Raises CommandRefused."""
    checked_file(path)
    held = find.dataset_or_none(client, name)
    if held is not None and held["purpose"] != purpose:
        raise CommandRefused(
            "INVALID",
            f"The dataset “{name}” is for {held['purpose']}. Choose another name for one that is "
            f"for {purpose}.",
            "purpose",
        )
    register = dataset_queries.REGISTER
    dataset = held or client.change(register, name=name, purpose=purpose)["dataset"]
    try:
        upload_id = client.upload(path, "DATASET", progress)
        payload = client.change(
            dataset_queries.VERSION_UPLOAD, datasetId=dataset["id"], uploadId=upload_id
        )
    except CommandRefused as refused:
        if held is None and not isinstance(refused, ServerAway):
            client.change(dataset_queries.DELETE, datasetId=dataset["id"])
        raise
    pushed: dict[str, Any] = payload["dataset"]
    return pushed


def checked_file(path: Path) -> None:
    """Refuses what cannot be read or is a folder, before anything is registered for it."""
    try:
        if path.is_dir():
            raise CommandRefused("FILE", f"{path} is a folder. Zip it and push the zip.", "file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def packed(session: Session, path: Path) -> Iterator[Path]:
    """The file, or one zip of the files that make the model, packed under a progress bar."""
    with ExitStack() as stack:
        if session.json or not packing.parts(path):
            yield stack.enter_context(packing.one_file(path))
            return
        with show.progress(transfer=True) as bars:
            task = bars.add_task(show.text(f"packing {path.name}"), total=None, visible=False)

            def told(done: int, size: int) -> None:
                bars.update(task, completed=done, total=size, visible=True)

            one = stack.enter_context(packing.one_file(path, told))
        yield one


def with_bar(session: Session, path: Path, push: Callable[[Progress], dict[str, Any]]) -> Any:
    """Runs `push` under a progress bar; a push that is broken off can be gone on with."""
    checked_file(path)
    if session.json:
        return push(lambda sent, size: None)
    try:
        with show.progress(transfer=True) as bars:
            task = bars.add_task(show.text(path.name), total=None)
            return push(lambda sent, size: bars.update(task, completed=sent, total=size))
    except KeyboardInterrupt:
        session.note("Broken off. Push the same file again to go on from here.")
        raise


@connected
def push(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(help="The model's file or folder; its bytes tell its format."),
    ],
    name: Annotated[
        str | None, typer.Option(help="The model's name; else the file's, without its ending.")
    ] = None,
    task: Annotated[
        choices.Task, typer.Option(case_sensitive=False, help="What the model is for, if new.")
    ] = choices.Task.OTHER,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then tell what happens to the model, until Ctrl-C.")
    ] = False,
) -> None:
    """Push a model as a new version.

    A new name is registered first; a known one gets a new version.

    A model of several files is pushed by its folder, or by its .xml or .onnx file with the
    others beside it: they are packed into one zip.

    The upload is resumable: push the same file again after a cut, and it goes on.
    """
    called = name or packing.name_of(file)
    with packed(session, file) as one:
        pushed = with_bar(
            session,
            one,
            lambda progress: push_model(session.client, one, called, task.value, progress),
        )
    session.answer(pushed, lambda: _print_pushed(pushed))
    if watch:
        from interfaces.cli.model import tell_changes

        tell_changes(session, pushed["model"]["id"])


def _print_pushed(pushed: dict[str, Any]) -> None:
    artifact = pushed["artifact"]
    name = show.text(pushed["model"]["name"])
    show.line(f"[green]✓[/green] [bold]{name}[/bold] version {artifact['version']}")
    print_signature(artifact)


def print_signature(artifact: dict[str, Any]) -> None:
    """What the model takes and gives, and what it is made of."""
    pairs = [("format", f"{plain(artifact['format'])}, {size(artifact['bytes'])}")]
    signature = artifact["signature"]
    if signature is not None:
        pairs += [("input", show.text(shape(tensor))) for tensor in signature["inputs"]]
        pairs += [("output", show.text(shape(tensor))) for tensor in signature["outputs"]]
        pairs.append(("parameters", count(signature["parameters"])))
        if signature["opset"] is not None:
            pairs.append(("opset", str(signature["opset"])))
        operators = sorted(signature["operators"].items(), key=lambda one: (-one[1], one[0]))
        named = ", ".join(f"{name} {number}" for name, number in operators)
        pairs.append(("operators", show.text(named) or "–"))
    show.facts(pairs)
