"""What an optimization found: each variant beside its source, and which one it would choose.

Read from the job's `result`; the same facts serve the table for people and JSON for scripts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from interfaces.cli import show
from interfaces.cli.plain import evidence, figure, milliseconds, percent, size

SOURCE = "source"
_HEADINGS = {
    "R2": "R²",
    "RMSE": "RMSE",
    "MAE": "MAE",
    "ROC_AUC": "AUC",
    "MAP": "mAP",
    "MAP50": "mAP@.5",
    "CER": "CER",
    "WER": "WER",
    "EXACT_MATCH": "Exact",
    "CUSTOM": "Score",
}
_COMPARED = {"DATASET": "a dataset", "SYNTHETIC": "random inputs"}


@dataclass(frozen=True, slots=True)
class Variant:
    """`artifact_id` is a UUID, None for what was not made: `outcome` says SKIPPED where there was
    nothing to do, FAILED where it could not be done, and `reason` why. `accuracy` is by
    `measure`, and `fidelity` from 0 to 1; `basis` says what the drop was judged on."""

    name: str
    artifact_id: str | None
    bytes: int | None
    passed: bool
    outcome: str = "MADE"
    accuracy: float | None = None
    fidelity: float | None = None
    measure: str = "ACCURACY"
    basis: str = ""
    drop: float | None = None
    median_ms: float | None = None
    latency_ratio: float | None = None
    reason: str = ""
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Findings:
    """`variants` begins with the source; `machine` is what it was measured on."""

    variants: tuple[Variant, ...]
    choice: str
    why: str
    inputs: str
    evidence: str
    machine: dict[str, Any]

    @property
    def chosen(self) -> Variant:
        return next((one for one in self.variants if one.name == self.choice), self.variants[0])


def findings(job: dict[str, Any]) -> Findings:
    """What the finished optimization `job` (with its `input` and `result`) tells."""
    outcome, made = job["result"]["outcome"], job["result"]["artifacts"]
    artifact_ids = {artifact["variant"]: str(artifact["id"]) for artifact in made}
    compared = [one["comparison"] for one in outcome["variants"] if one["comparison"]]
    source = _source(job["input"]["artifact"], outcome["source"], compared)
    variants = [_variant(one, artifact_ids.get(one["name"])) for one in outcome["variants"]]
    return Findings(
        variants=(source, *variants),
        choice=outcome["choice"]["name"],
        why=outcome["choice"]["why"],
        inputs=compared[0]["inputs"] if compared else "",
        evidence=outcome["evidence"],
        machine=outcome["machine"],
    )


def _source(
    artifact: dict[str, Any], facts: dict[str, Any], compared: Sequence[dict[str, Any]]
) -> Variant:
    """Its figures are in every comparison; its time is the median of them."""
    judged = [one["accuracy"] for one in compared if one["accuracy"]]
    times = [one["timing"]["source_ms"] for one in compared]
    return Variant(
        name=SOURCE,
        artifact_id=str(artifact["id"]),
        bytes=facts["bytes"],
        passed=True,
        accuracy=judged[0]["source"] if judged else None,
        measure=measure_of(judged[0] if judged else None),
        fidelity=1.0,
        median_ms=median(times) if times else None,
        latency_ratio=1.0,
    )


def _variant(found: dict[str, Any], artifact_id: str | None) -> Variant:
    verdict, comparison = found["verdict"], found["comparison"]
    if verdict is None or comparison is None or found["file"] is None:
        outcome, reason = found["outcome"], found["reason"]
        return Variant(found["name"], artifact_id, None, False, outcome, reason=reason)
    accuracy, timing = comparison["accuracy"], comparison["timing"]
    failed = [gate["reason"] for gate in verdict["gates"] if not gate["passed"]]
    return Variant(
        name=found["name"],
        artifact_id=artifact_id,
        bytes=found["file"]["bytes"],
        passed=verdict["passed"],
        accuracy=accuracy["variant"] if accuracy else None,
        measure=measure_of(accuracy),
        fidelity=_fidelity(comparison["outputs"]),
        basis=verdict["measure"],
        drop=verdict["drop"],
        median_ms=timing["variant_ms"],
        latency_ratio=timing["ratio"],
        reason=" ".join(failed),
        notes=tuple(note["message"] for note in verdict["notes"]),
    )


def measure_of(accuracy: dict[str, Any] | None) -> str:
    """What a task's figure is; results from before there were others tell none."""
    return str((accuracy or {}).get("measure", "ACCURACY"))


def _fidelity(outputs: Sequence[dict[str, Any]]) -> float | None:
    """The agreement of the worst output: of its class where it has classes, else its cosine."""
    agreements = [one["argmax_agreement"] for one in outputs if one["argmax_agreement"] is not None]
    return min(agreements or [one["cosine"] for one in outputs], default=None)


def print_findings(found: Findings) -> None:
    """The table of variants, what to know about them, and the choice."""
    columns = ("Variant", ">Size", ">Time", f">{heading(found)}", ">Fidelity", "Verdict")
    show.table(columns, [_row(one, found.choice) for one in found.variants])
    show.line(f"[dim]{show.text(basis_of(found))}[/dim]")
    for remark in remarks(found):
        show.line(remark)
    show.line(f"[bold]Choice: {show.text(found.choice)}[/bold] – {show.text(found.why)}")


def heading(found: Findings) -> str:
    """What the column of the task's figures is called."""
    return _HEADINGS.get(found.variants[0].measure, "Accuracy")


def basis_of(found: Findings) -> str:
    """How the figures came to be, and on what."""
    compared = _COMPARED.get(found.inputs, "nothing")
    machine = found.machine
    return (
        f"{evidence(found.evidence).capitalize()} on {machine['cpu']}, {machine['cores']} cores; "
        f"compared on {compared}. Fidelity is agreement with the original."
    )


def remarks(found: Findings) -> Iterator[str]:
    """What to know about each variant, as markup."""
    for one in found.variants:
        reasons = [*one.notes] if one.passed else [one.reason, *one.notes]
        for reason in filter(None, reasons):
            yield f"  {show.text(one.name)}: {show.text(reason)}"


def verdict(one: Variant) -> str:
    """Markup."""
    if one.name == SOURCE:
        return "original"
    if one.bytes is None:
        made = "skipped" if one.outcome == "SKIPPED" else "not made"
        return f"[yellow]{made}[/yellow]"
    return "[green]passed[/green]" if one.passed else "[red]failed[/red]"


def _row(one: Variant, choice: str) -> tuple[str, ...]:
    marked = f"[bold]{show.text(one.name)} ←[/bold]" if one.name == choice else show.text(one.name)
    return (
        marked,
        size(one.bytes),
        _time(one),
        figure(one.accuracy, one.measure),
        percent(one.fidelity),
        verdict(one),
    )


def _time(one: Variant) -> str:
    """The source's own time; a variant's against the source's, both taken in turns: times of
    different turns do not compare."""
    if one.name == SOURCE or one.latency_ratio is None:
        return milliseconds(one.median_ms)
    return f"×{one.latency_ratio:.2f}"
