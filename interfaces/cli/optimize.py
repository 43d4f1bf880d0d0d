"""`edgewise optimize` and `benchmark`: asking for work on a model, and seeing it through."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.benchmarks import measured, print_benchmarks
from interfaces.cli.client import Client
from interfaces.cli.ids import uuid_of
from interfaces.cli.optimize_many import named_models, optimize_many
from interfaces.cli.queries import job as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.reproduction import print_reproduction
from interfaces.cli.scorer import scorer_input
from interfaces.cli.session import Session, connected
from interfaces.cli.variants import findings, print_findings
from interfaces.cli.watch import require_success, watched

ModelArgument = Annotated[str, typer.Argument(help="The model's name or id.", show_default=False)]
NoWatchOption = Annotated[
    bool, typer.Option("--no-watch", help="Only ask; do not wait for the end.")
]


def given(**wanted: Any) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in wanted.items() if value is not None}


def request_optimization(client: Client, model_id: str, **wanted: Any) -> dict[str, Any]:
    """Asks for the job; what is None is left to the server. Raises CommandRefused."""
    payload = client.change(queries.OPTIMIZE, modelId=model_id, input=given(**wanted))
    job: dict[str, Any] = payload["job"]
    return job


def request_benchmark(client: Client, model_id: str, **wanted: Any) -> dict[str, Any]:
    """As request_optimization."""
    payload = client.change(queries.BENCHMARK, modelId=model_id, input=given(**wanted))
    job: dict[str, Any] = payload["job"]
    return job


@connected
def optimize(
    session: Session,
    models: Annotated[
        list[str] | None, typer.Argument(help="Names or ids of models.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model that is not archived.")] = False,
    task: Annotated[
        choices.Task | None, typer.Option(case_sensitive=False, help="Every model of this task.")
    ] = None,
    artifact: Annotated[
        str | None, typer.Option(help="What to start from; else the latest version's upload.")
    ] = None,
    level: Annotated[
        choices.Level, typer.Option(case_sensitive=False, help="What matters most.")
    ] = choices.Level.BALANCED,
    passes: Annotated[
        list[choices.Pass] | None,
        typer.Option("--pass", case_sensitive=False, help="Only these; may be repeated."),
    ] = None,
    target: Annotated[
        choices.Target | None,
        typer.Option(
            "--to", case_sensitive=False, help="The format to make; else the profile's or model's."
        ),
    ] = None,
    calibration: Annotated[
        str | None, typer.Option(help="A dataset with typical inputs, for STATIC_INT8.")
    ] = None,
    evaluation: Annotated[
        str | None, typer.Option(help="A labelled dataset, to judge accuracy by.")
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="What judges by the labels (`edgewise scorers`), or your own .py file."),
    ] = None,
    scorer_settings: Annotated[
        list[str] | None,
        typer.Option("--scorer-setting", help="name=value, or name=@file; may be repeated."),
    ] = None,
    max_drop: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The most that a variant may lose.")
    ] = 0.01,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="The most bytes it may have.")
    ] = None,
    max_latency: Annotated[
        float | None, typer.Option(min=0.0, help="The most ms that its median run may take.")
    ] = None,
    block_size: Annotated[
        int | None,
        typer.Option(help="Weights that share a scale in INT4: 16, 32, 64, 128 or 256; else 32."),
    ] = None,
    method: Annotated[
        choices.CalibrationMethod,
        typer.Option(case_sensitive=False, help="How ranges are told, for STATIC_INT8 and FP8."),
    ] = choices.CalibrationMethod.MINMAX,
    samples: Annotated[int, typer.Option(min=1, help="The most calibration rows to read.")] = 512,
    percentile: Annotated[
        float, typer.Option(help="The share of values within the range, for PERCENTILE.")
    ] = 99.99,
    per_channel: Annotated[
        bool | None, typer.Option(help="A scale for each output channel, in INT8; else so.")
    ] = None,
    reduce_range: Annotated[
        bool | None, typer.Option(help="Weights of 7 bits in INT8, for x86 CPUs without VNNI.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="The device it is for: chooses what is not said, and tells why."),
    ] = None,
    no_watch: NoWatchOption = False,
) -> None:
    """Optimize models and compare the variants.

    Follows the jobs live, then tells how each variant compares with the original, and which one
    it would choose and why; of several models, what was chosen for each.
    """
    client = session.client
    found = named_models(client, models or [], task=task.value if task else None, every=every)
    if artifact and len(found) != 1:
        raise CommandRefused("USAGE", "--artifact is one model's: name that model.", "artifact")
    wanted = given(
        artifactId=find.artifact_id(client, artifact, found[0]["id"]) if artifact else None,
        level=level.value,
        passes=[one.value for one in passes] if passes else None,
        target=target.value if target else None,
        calibrationDatasetId=_dataset(client, calibration, "calibration"),
        evaluationDatasetId=_dataset(client, evaluation, "evaluation"),
        scorer=scorer_input(scorer, scorer_settings or ()),
        maxDrop=max_drop,
        maxBytes=max_bytes,
        maxLatencyMs=max_latency,
        blockSize=block_size,
        calibrationMethod=method.value,
        calibrationSamples=samples,
        calibrationPercentile=percentile,
        perChannel=per_channel,
        reduceRange=reduce_range,
        deviceProfileId=find.profile(client, profile)["id"] if profile else None,
    )
    if len(found) > 1 or every or task:
        optimize_many(session, found, wanted, watch=not no_watch)
        return
    job = request_optimization(client, found[0]["id"], **wanted)
    for reason in job["reasons"]:
        session.note(f"[dim]{show.text(reason)}[/dim]")
    see_through(session, job, watch=not no_watch)


@connected
def benchmark(
    session: Session,
    model: ModelArgument,
    artifacts: Annotated[
        list[str] | None,
        typer.Argument(help="Ids, variants or aliases; else all of the latest version."),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Measured inferences.")] = 100,
    warmup: Annotated[int, typer.Option(min=0, max=1_000, help="Unmeasured ones first.")] = 10,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="Else the server's.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=1_024, help="Items an inference.")] = 1,
    no_watch: NoWatchOption = False,
) -> None:
    """Measure artifacts of a model side by side.

    Each in a fresh process: p50, p90, p99, throughput, load time and peak memory.
    """
    client = session.client
    found = find.model(client, model)
    job = request_benchmark(
        client,
        found["id"],
        artifactIds=_artifacts(client, found, artifacts),
        runs=runs,
        warmup=warmup,
        threads=threads,
        batch=batch,
    )
    see_through(session, job, watch=not no_watch)


def see_through(session: Session, job: dict[str, Any], *, watch: bool) -> None:
    """Follows a job to its end and prints what came of it. Refuses when it did not succeed."""
    if not watch:
        session.done(
            job,
            f"{show.text(job['kind'])} {uuid_of(job['id'])} is {job['status'].lower()}. Watch it: "
            f"[bold]edgewise job watch {uuid_of(job['id'])}[/bold]",
        )
        return
    ended = require_success(watched(session, job["id"]))
    session.answer(ended, lambda: print_result(session.client, ended))


def print_result(client: Client, job: dict[str, Any]) -> None:
    """What a job that succeeded brought, by its kind."""
    again = (job["result"] or {}).get("reproduction")
    if again is not None:
        print_reproduction(again)
    elif job["kind"] == "optimize":
        print_findings(findings(job))
    elif job["kind"] == "benchmark":
        print_benchmarks(measured(client, job))


def _dataset(client: Client, wanted: str | None, field: str) -> str | None:
    return str(find.dataset(client, wanted, field)["id"]) if wanted else None


def _artifacts(client: Client, model: dict[str, Any], wanted: Sequence[str] | None) -> list[str]:
    if wanted:
        return [find.artifact_id(client, one, model["id"]) for one in wanted]
    return find.artifacts_of_version(client, model["id"], model["versions"])
