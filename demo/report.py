"""What the demo tells of a model: the same facts as a table for people and as plain JSON."""

from typing import Any

from demo.journey import ALIAS, Outcome
from interfaces.cli import show
from interfaces.cli.ids import uuid_of
from interfaces.cli.plain import evidence, figure, milliseconds, percent, shape, size
from interfaces.cli.variants import Variant, basis_of, remarks, verdict

COLUMNS = ("Variant", ">Size", ">p50", ">p90", ">p99", ">Accuracy", ">Fidelity", "Verdict")


def print_outcome(outcome: Outcome) -> None:
    """The table, what to know about it, and the choice."""
    found = outcome.found
    # Where all figures came to be in the same way, the line below the table says it once.
    mixed = {figures["evidence"] for figures in outcome.benchmarks.values()} != {found.evidence}
    columns = (*COLUMNS, "Evidence") if mixed else COLUMNS
    show.table(columns, [_row(outcome, one)[: len(columns)] for one in found.variants])
    for remark in remarks(found):
        show.line(remark)
    show.line(f"[dim]{show.text(basis_of(found))}[/dim]")
    show.line(
        f"[bold]Choice: {show.text(found.choice)}[/bold] – {show.text(found.why)}\n"
        f"The alias [bold]{ALIAS}[/bold] of {show.text(outcome.subject.name)} points at it now.\n"
    )


def print_source(outcome: Outcome) -> None:
    signature = outcome.source["signature"]
    tensors = ", ".join(shape(one) for one in [*signature["inputs"], *signature["outputs"]])
    show.line(
        f"  version {outcome.source['version']}: {show.text(tensors)}, "
        f"{signature['parameters']:,} parameters, opset {signature['opset']}"
    )


def _row(outcome: Outcome, one: Variant) -> tuple[str, ...]:
    figures = outcome.benchmarks.get(one.name, {})
    name = show.text(one.name)
    return (
        f"[bold]{name} ←[/bold]" if one.name == outcome.found.choice else name,
        size(one.bytes),
        milliseconds(figures.get("p50_ms")),
        milliseconds(figures.get("p90_ms")),
        milliseconds(figures.get("p99_ms")),
        figure(one.accuracy, one.measure),
        percent(one.fidelity),
        verdict(one),
        evidence(figures.get("evidence")),
    )


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The same facts."""
    found = outcome.found
    return {
        "name": outcome.subject.name,
        "about": outcome.subject.about,
        "modelId": uuid_of(outcome.model_id),
        "version": outcome.source["version"],
        "signature": outcome.source["signature"],
        "optimizeJobId": uuid_of(outcome.optimize_job),
        "benchmarkJobId": uuid_of(outcome.benchmark_job),
        "comparedOn": found.inputs,
        "variants": [_variant(outcome, one) for one in found.variants],
        "choice": {"variant": found.choice, "why": found.why},
        "alias": {"name": ALIAS, "artifactId": found.chosen.artifact_id},
        "seconds": round(outcome.seconds, 2),
    }


def _variant(outcome: Outcome, one: Variant) -> dict[str, Any]:
    figures = outcome.benchmarks.get(one.name)
    return {
        "variant": one.name,
        "outcome": one.outcome,
        "artifactId": one.artifact_id,
        "bytes": one.bytes,
        "latencyMs": _latency(figures),
        "throughputPerSecond": figures["throughput_per_s"] if figures else None,
        "loadMs": figures["load_ms"] if figures else None,
        "peakMemoryBytes": figures["peak_memory_bytes"] if figures else None,
        "evidence": figures["evidence"] if figures else None,
        "accuracy": one.accuracy,
        "fidelity": one.fidelity,
        "basis": one.basis or None,
        "drop": one.drop,
        "passed": one.passed,
        "reason": one.reason or None,
        "notes": list(one.notes),
    }


def _latency(figures: dict[str, Any] | None) -> dict[str, float] | None:
    if figures is None:
        return None
    return {name: figures[f"{name}_ms"] for name in ("p50", "p90", "p99")}
