"""The verdict on a variant: did it stay near enough to its source, and what else must be said.

FINITE: the variant gives no NaN or infinity where its source gives numbers. FIDELITY: what it lost
is at most `max_drop`. SIZE and LATENCY, where limits were given: what it takes is at most that; a
latency that is only emulated fails no gate and passes none. What it lost is told by the best
measure there is:

1. the scorer's where labels exist (ACCURACY by default): how much worse the variant does the task;
2. else ARGMAX_AGREEMENT where an output is a classifier's: 1 − the worst output's agreement;
3. else COSINE: 1 − the worst output's cosine.

Being larger or slower than the source alone fails no gate, but is never silent: a note says so, and
why.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.evidence import Evidence
from domain.measure import Measure
from domain.parity import Accuracy, Comparison, InputsUsed, OutputParity, SideBySide
from domain.variant_facts import VariantFacts, why_larger, why_slower

NOISE = 0.05
"""Two medians nearer than 5 % are the same speed: that is what repeated runs differ by. Beyond
that a variant is called slower only when the 95 % bounds of the ratio are above 1 too."""

ENOUGH_ROWS = 100
ROUNDING = 1e-9
"""Differences of sums in floating point below this are no loss."""


class GateName(StrEnum):
    FINITE = "FINITE"
    FIDELITY = "FIDELITY"
    SIZE = "SIZE"
    LATENCY = "LATENCY"


class NoteCode(StrEnum):
    LARGER_THAN_SOURCE = "LARGER_THAN_SOURCE"
    SLOWER_THAN_SOURCE = "SLOWER_THAN_SOURCE"
    SYNTHETIC_INPUTS = "SYNTHETIC_INPUTS"
    FEW_ROWS = "FEW_ROWS"
    LABELS_IGNORED = "LABELS_IGNORED"
    EMULATED_TIME = "EMULATED_TIME"
    CALIBRATION_RANGE = "CALIBRATION_RANGE"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a variant may lose (a share from 0 to 1), and take; None is no limit."""

    max_drop: float
    max_bytes: int | None = None
    max_latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    code: NoteCode
    message: str


@dataclass(frozen=True, slots=True)
class Gate:
    """`measured` must be at most `limit`; `reason` says both in words."""

    name: GateName
    passed: bool
    measured: float
    limit: float
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`drop` is what was lost by `measure`; `accuracy` where labelled, else `fidelity` (1 − drop).

    `drop` may be below zero: then the variant is better than its source.
    """

    passed: bool
    measure: Measure
    drop: float
    max_drop: float
    gates: tuple[Gate, ...]
    accuracy: Accuracy | None
    fidelity: float | None
    notes: tuple[Note, ...]


def decide(
    comparison: Comparison,
    limits: Limits,
    source_bytes: int,
    variant_bytes: int,
    facts: VariantFacts,
) -> Verdict:
    """The verdict that these figures give."""
    measure, drop = loss(comparison)
    gates = (
        _finite(comparison),
        _fidelity(measure, drop, limits.max_drop, comparison),
        *_size(variant_bytes, limits.max_bytes),
        *_latency(comparison.timing, limits.max_latency_ms),
    )
    return Verdict(
        passed=all(gate.passed for gate in gates),
        measure=measure,
        drop=drop,
        max_drop=limits.max_drop,
        gates=gates,
        accuracy=comparison.accuracy,
        fidelity=1 - drop if measure in (Measure.ARGMAX_AGREEMENT, Measure.COSINE) else None,
        notes=_notes(comparison, source_bytes, variant_bytes, facts),
    )


def loss(comparison: Comparison) -> tuple[Measure, float]:
    """Which measure applies, and what the variant lost by it: all, where the user's own scorer can
    make nothing of it."""
    if comparison.unscored:
        return Measure.CUSTOM, 1.0
    if comparison.accuracy is not None:
        return comparison.accuracy.measure, comparison.accuracy.drop
    agreements = [
        output.argmax_agreement
        for output in comparison.outputs
        if output.argmax_agreement is not None
    ]
    if agreements:
        return Measure.ARGMAX_AGREEMENT, 1 - min(agreements)
    return Measure.COSINE, max(0.0, 1 - min(output.cosine for output in comparison.outputs))


def _finite(comparison: Comparison) -> Gate:
    broken = [output for output in comparison.outputs if output.non_finite]
    count = sum(output.non_finite for output in broken)
    reason = "Every value is finite where the source's is."
    if broken:
        reason = f"{count:,} values became NaN or infinite, {_worst_named(broken)}."
    return Gate(GateName.FINITE, not broken, float(count), 0.0, reason)


def _worst_named(broken: list[OutputParity]) -> str:
    return "in output " + ", ".join(f"“{output.name}”" for output in broken[:3])


def _fidelity(measure: Measure, drop: float, max_drop: float, comparison: Comparison) -> Gate:
    passed = drop <= max_drop + ROUNDING
    if passed:
        judged = f"at most the {max_drop:.2%} allowed"
    else:
        judged = f"{drop - max_drop:.2%} more than the {max_drop:.2%} allowed"
    reason = f"{_said(measure, drop, comparison)}: {judged}."
    return Gate(GateName.FIDELITY, passed, drop, max_drop, reason)


def _size(taken: int, most: int | None) -> tuple[Gate, ...]:
    if most is None:
        return ()
    passed = taken <= most
    over = "" if passed else f", {taken - most:,} too many"
    reason = f"{taken:,} bytes where {most:,} are allowed{over}."
    return (Gate(GateName.SIZE, passed, float(taken), float(most), reason),)


def _latency(timing: SideBySide, most: float | None) -> tuple[Gate, ...]:
    if most is None or timing.evidence is not Evidence.MEASURED:
        return ()
    passed = timing.variant_ms <= most
    over = "" if passed else f", {timing.variant_ms - most:.3f} ms too long"
    reason = f"{timing.variant_ms:.3f} ms a run where {most:g} ms are allowed{over}."
    return (Gate(GateName.LATENCY, passed, timing.variant_ms, most, reason),)


def _said(measure: Measure, drop: float, comparison: Comparison) -> str:
    accuracy, rows = comparison.accuracy, f"{comparison.rows:,} rows"
    if comparison.unscored:
        return f"{comparison.unscored} That counts as a loss of all"
    if accuracy is not None:
        change = "a drop of" if accuracy.higher_is_better else "worse by"
        of_source = " of the source's" if accuracy.relative else ""
        return (
            f"{measure.word} {measure.said(accuracy.variant)} against "
            f"{measure.said(accuracy.source)} on {accuracy.rows:,} labelled rows, "
            f"{change} {drop:.2%}{of_source}"
        )
    if measure is Measure.ARGMAX_AGREEMENT:
        return f"The top class differs in {drop:.2%} of {rows}"
    return f"The worst output's cosine is {1 - drop:.6f} over {rows}, a loss of {drop:.4%}"


def _notes(
    comparison: Comparison, source_bytes: int, variant_bytes: int, facts: VariantFacts
) -> tuple[Note, ...]:
    notes = []
    if variant_bytes > source_bytes:
        grown = f"{variant_bytes:,} bytes against {source_bytes:,}: "
        why = why_larger(facts, variant_bytes - source_bytes)
        notes.append(Note(NoteCode.LARGER_THAN_SOURCE, grown + why))
    timing = comparison.timing
    if timing.evidence is not Evidence.MEASURED:
        told = (
            f"The {timing.variant_ms:.3f} ms a run are {timing.evidence}: this CPU computes in a "
            "wider type. Measure it on the device that it is for."
        )
        notes.append(Note(NoteCode.EMULATED_TIME, told))
    elif timing.ratio > 1 + NOISE and timing.ratio_low > 1:
        slower = (
            f"{timing.variant_ms:.3f} ms against {timing.source_ms:.3f} ms a run "
            f"({timing.ratio:.2f} times as long): "
        )
        notes.append(Note(NoteCode.SLOWER_THAN_SOURCE, slower + why_slower(facts)))
    notes += [Note(NoteCode.CALIBRATION_RANGE, doubt) for doubt in facts.calibration_doubts]
    return (*notes, *_about_inputs(comparison))


def _about_inputs(comparison: Comparison) -> tuple[Note, ...]:
    """How far the comparison itself can be trusted."""
    notes = []
    if comparison.labels_ignored:
        notes.append(Note(NoteCode.LABELS_IGNORED, comparison.labels_ignored))
    if comparison.inputs is InputsUsed.SYNTHETIC:
        what = comparison.described or "random inputs"
        told = (
            f"Compared on {what}, which a trained model never sees. Give an evaluation dataset "
            "for a verdict that means something in the field."
        )
        notes.append(Note(NoteCode.SYNTHETIC_INPUTS, told))
    elif comparison.rows < ENOUGH_ROWS:
        told = (
            f"Compared on {comparison.rows} rows only: one row weighs "
            f"{1 / max(1, comparison.rows):.1%}. Give {ENOUGH_ROWS} or more."
        )
        notes.append(Note(NoteCode.FEW_ROWS, told))
    return tuple(notes)
