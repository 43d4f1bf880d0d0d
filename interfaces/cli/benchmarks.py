"""What benchmarks measured, side by side, with what they were measured on."""

from collections.abc import Sequence
from typing import Any

from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.ids import relay_id
from interfaces.cli.plain import evidence, milliseconds, size
from interfaces.cli.queries import artifact as queries
from interfaces.cli.refused import CommandRefused

COLUMNS = (
    "Artifact",
    ">Size",
    ">p50",
    ">p90",
    ">p99",
    ">Per second",
    ">Load",
    ">Peak memory",
    "Evidence",
)


def measured(client: Client, job: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry for each artifact that a finished benchmark job measured: the artifact and the
    figures."""
    found = job["result"]["benchmarks"]
    # The result is an object, and JSON keeps no order: the order is that of the request.
    wanted = [str(one["id"]) for one in job["input"]["artifacts"] if str(one["id"]) in found]
    ids = [relay_id("Artifact", artifact_id) for artifact_id in wanted]
    held = {artifact["id"]: artifact for artifact in _held(client, ids)}
    return [
        {"artifact": held.get(one), "artifactId": artifact_id, "figures": found[artifact_id]}
        for one, artifact_id in zip(ids, wanted, strict=True)
    ]


def _held(client: Client, ids: Sequence[str | None]) -> list[dict[str, Any]]:
    """The artifacts that are still there: one that was removed since was measured all the same."""
    held: list[dict[str, Any]] = []
    try:
        held = client.run(queries.COMPARE, ids=ids)["artifacts"]
    except CommandRefused as refused:
        if refused.code != "NOT_FOUND":
            raise
        for one in ids:
            found = client.run(queries.SHOW, id=one)["artifact"]
            held += [found] if found else []
    return held


def print_benchmarks(entries: Sequence[dict[str, Any]]) -> None:
    show.table(COLUMNS, map(_row, entries))
    if entries:
        show.line(f"[dim]{show.text(_machine(entries[0]['figures']))}[/dim]")


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    artifact, figures = entry["artifact"] or {}, entry["figures"]
    return (
        show.text(artifact.get("variant", entry["artifactId"])),
        size(artifact.get("bytes")),
        milliseconds(figures["p50_ms"]),
        milliseconds(figures["p90_ms"]),
        milliseconds(figures["p99_ms"]),
        f"{figures['throughput_per_s']:,.0f}",
        milliseconds(figures["load_ms"]),
        size(figures["peak_memory_bytes"]),
        evidence(figures["evidence"]),
    )


def _machine(figures: dict[str, Any]) -> str:
    machine = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = "" if machine["load_before"] is None else f", load {machine['load_before']:.2f}"
    return (
        f"{machine['cpu']}, {machine['cores']} cores{load}; {len(figures['samples_ms'])} runs in "
        f"{figures['rounds']} fresh processes, {figures['threads']} threads, batch "
        f"{figures['batch']}; {versions}"
    )
