"""`edgewise artifact …`: what was uploaded and what was made of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.benchmarks import COLUMNS as BENCHMARK_COLUMNS
from interfaces.cli.download import download_file
from interfaces.cli.ids import relay_id, short, uuid_of
from interfaces.cli.model import ModelArgument, confirmed
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.plain import count, evidence, figure, milliseconds, percent, size, when
from interfaces.cli.push import print_signature
from interfaces.cli.queries import artifact as queries
from interfaces.cli.refused import CommandRefused, not_found
from interfaces.cli.session import Session, connected
from interfaces.cli.variants import measure_of

app = typer.Typer(no_args_is_help=True, help="Artifacts: list, show, compare, download, remove.")

ArtifactArgument = Annotated[
    str,
    typer.Argument(help="An id, MODEL:VARIANT, MODEL:VARIANT@VERSION or MODEL:ALIAS."),
]
EXPIRES = 3600


@app.command("list")
@connected
def list_artifacts(
    session: Session,
    model: ModelArgument,
    version: Annotated[int | None, typer.Option(min=1, help="Only of this version.")] = None,
    as_of: AsOfOption = None,
) -> None:
    """List a model's artifacts: now, or as they were at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    found = find.model(client, model, at=at)
    listed = client.pages(
        queries.OF_MODEL, "model", "artifacts", modelId=found["id"], version=version, asOf=at
    )
    artifacts = list(listed)
    columns = ("Id", ">Version", "Variant", "Format", ">Size", ">p50", "Gates", "Created")
    session.answer(artifacts, lambda: show.table(columns, map(_row, artifacts)))


def _row(artifact: dict[str, Any]) -> tuple[str, ...]:
    measured = artifact["benchmark"]
    return (
        short(artifact["id"]),
        str(artifact["version"]),
        show.text(artifact["variant"]),
        show.text(artifact["format"]),
        size(artifact["bytes"]),
        milliseconds(measured["p50Ms"]) if measured else "–",
        _gates(artifact),
        when(artifact["createdAt"]),
    )


def _gates(artifact: dict[str, Any]) -> str:
    return "[green]passed[/green]" if artifact["passed"] else "[red]failed[/red]"


@app.command("show")
@connected
def show_artifact(session: Session, artifact: ArtifactArgument, as_of: AsOfOption = None) -> None:
    """Show an artifact: signature, files, proof and benchmarks, now or at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    wanted = find.artifact_id(client, artifact, at=at)
    found = client.run(queries.SHOW, id=wanted, asOf=at)["artifact"]
    if found is None:
        raise not_found("artifact", artifact, "artifact", at)
    session.answer(found, lambda: print_artifact(found))


def print_artifact(artifact: dict[str, Any]) -> None:
    show.facts(
        [
            ("artifact", uuid_of(artifact["id"])),
            ("variant", f"{show.text(artifact['variant'])} of version {artifact['version']}"),
            ("gates", _gates(artifact)),
            ("made by", f"job {uuid_of(artifact['jobId'])}" if artifact["jobId"] else "upload"),
            ("created", when(artifact["createdAt"])),
        ]
    )
    print_signature(artifact)
    _print_proof(artifact["proof"] or {})
    columns = ("File", ">Size", "sha256")
    show.table(
        columns,
        [
            (show.text(f["path"]), size(f["bytes"]), show.text(f["sha256"]))
            for f in artifact["files"]
        ],
    )
    measured = [edge["node"] for edge in artifact["benchmarks"]["edges"]]
    if measured:
        heads = ("Measured", *BENCHMARK_COLUMNS[2:])
        show.table(heads, [(when(one["measuredAt"]), *_figures(one)) for one in measured])


def _figures(measured: dict[str, Any]) -> tuple[str, ...]:
    return (
        milliseconds(measured["p50Ms"]),
        milliseconds(measured["p90Ms"]),
        milliseconds(measured["p99Ms"]),
        f"{measured['throughput']:,.0f}",
        milliseconds(measured["loadMs"]),
        size(measured["peakMemoryBytes"]),
        evidence(measured["evidence"]),
    )


def _print_proof(proof: dict[str, Any]) -> None:
    """What was compared with the source; an upload has no proof."""
    verdict, comparison = proof.get("verdict"), proof.get("comparison")
    if not verdict or not comparison:
        return
    accuracy, timing = comparison["accuracy"], comparison["timing"]
    pairs = [(gate["name"].lower(), show.text(gate["reason"])) for gate in verdict["gates"]]
    if accuracy:
        pairs += _judged(accuracy)
    times = f"{milliseconds(timing['variant_ms'])}, source {milliseconds(timing['source_ms'])}"
    pairs.append(("time", f"{times} (×{timing['ratio']:.2f})"))
    pairs += [("output", show.text(_parity(output))) for output in comparison["outputs"]]
    pairs += [("note", show.text(note["message"])) for note in verdict["notes"]]
    show.facts(pairs)


def _judged(accuracy: dict[str, Any]) -> list[tuple[str, str]]:
    """The figure that counts, and the others that the scorer told."""
    rows = f"{accuracy['rows']:,} rows"
    told = {measure_of(accuracy): (accuracy["source"], accuracy["variant"])}
    return [
        (
            measure.lower(),
            f"{figure(variant, measure)}, source {figure(source, measure)}, {rows}",
        )
        for measure, (source, variant) in {**told, **accuracy.get("also", {})}.items()
    ]


def _parity(output: dict[str, Any]) -> str:
    sqnr = "" if output["sqnr_db"] is None else f", SQNR {output['sqnr_db']:.1f} dB"
    agreed = output["argmax_agreement"]
    same = "" if agreed is None else f", same class {percent(agreed)}"
    return (
        f"{output['name']}: cosine {output['cosine']:.6f}{sqnr}, "
        f"largest error {output['max_abs_error']:.3g}{same}"
    )


@app.command("compare")
@connected
def compare(
    session: Session,
    artifacts: Annotated[list[str], typer.Argument(help="Two or more, as in `show`.")],
    as_of: AsOfOption = None,
) -> None:
    """Compare artifacts, of one model or of several: now, or as they were at a moment."""
    client, at = session.client, as_of_or_now(as_of)
    if len(artifacts) < 2:
        raise CommandRefused("INVALID", "Give two artifacts or more.", "artifacts")
    ids = [find.artifact_id(client, one, at=at) for one in artifacts]
    found = client.run(queries.COMPARE, ids=ids, asOf=at)["artifacts"]
    columns = (
        "Artifact", "Variant", ">Size", ">Parameters", ">p50", ">p90", ">p99", ">Peak memory",
        ">Accuracy", ">Drop", "Gates",
    )  # fmt: skip
    session.answer(found, lambda: show.table(columns, map(_compared, found)))


def _compared(artifact: dict[str, Any]) -> tuple[str, ...]:
    measured, proof = artifact["benchmark"] or {}, artifact["proof"] or {}
    accuracy = (proof.get("comparison") or {}).get("accuracy") or {}
    verdict = proof.get("verdict") or {}
    return (
        short(artifact["id"]),
        f"{show.text(artifact['variant'])}@{artifact['version']}",
        size(artifact["bytes"]),
        count((artifact["signature"] or {}).get("parameters")),
        milliseconds(measured.get("p50Ms")),
        milliseconds(measured.get("p90Ms")),
        milliseconds(measured.get("p99Ms")),
        size(measured.get("peakMemoryBytes")),
        figure(accuracy.get("variant"), measure_of(accuracy)),
        percent(verdict.get("drop")),
        _gates(artifact),
    )


@app.command("download")
@connected
def download(
    session: Session,
    artifact: ArtifactArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file, or a folder; else the artifact's own name."),
    ] = None,
) -> None:
    """Download an artifact's files by signed URLs; run it again to go on after a cut."""
    client = session.client
    wanted = find.artifact_id(client, artifact)
    found = client.run(queries.FILES, id=wanted, expiresIn=EXPIRES)["artifact"]
    if found is None:
        raise not_found("artifact", artifact, "artifact")
    written = [_fetched(session, file, path) for file, path in _targets(found, output)]
    names = ", ".join(one["path"] for one in written)
    session.done({"artifactId": wanted, "files": written}, f"[green]✓[/green] {show.text(names)}")


def _fetched(session: Session, file: dict[str, Any], path: Path) -> dict[str, Any]:
    download_file(session, file, path)
    return {"path": str(path), "sha256": file["sha256"], "bytes": file["bytes"]}


def _targets(artifact: dict[str, Any], output: Path | None) -> list[tuple[dict[str, Any], Path]]:
    """Where each file goes. A path of the server's never leads out of the folder."""
    files = artifact["files"]
    if len(files) == 1:
        name = Path(files[0]["path"]).name
        path = output or Path(name)
        return [(files[0], path / name if path.is_dir() else path)]
    folder = (output or Path(f"{artifact['variant']}-{artifact['version']}")).resolve()
    targets = [(file, (folder / file["path"]).resolve()) for file in files]
    for file, path in targets:
        if not path.is_relative_to(folder):
            raise CommandRefused("INVALID", f"The file {file['path']} would leave {folder}.")
    return targets


@app.command("remove")
@connected
def remove(
    session: Session,
    artifact: ArtifactArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a variant that no alias points at."""
    client = session.client
    wanted = find.artifact_id(client, artifact)
    found = client.run(queries.COMPARE, ids=[wanted])["artifacts"]
    if not found:
        raise not_found("artifact", artifact, "artifact")
    confirmed(session, f"Remove {found[0]['variant']} ({short(wanted)})?", yes=yes)
    model_id = relay_id("Model", found[0]["modelId"])
    payload = client.change(queries.REMOVE, modelId=model_id, artifactId=wanted)
    session.done(payload, f"{show.text(found[0]['variant'])} ({short(wanted)}) is removed.")
