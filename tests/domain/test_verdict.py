"""Verdicts: which measure counts, when a gate fails, and what is said besides."""

from dataclasses import replace

import pytest

from domain.evidence import Evidence
from domain.measure import Measure
from domain.optimization_spec import Pass
from domain.parity import Accuracy, Comparison, InputsUsed, OutputParity, SideBySide
from domain.variant_facts import VariantFacts
from domain.verdict import GateName, Limits, NoteCode, Verdict, decide

CLASSES = OutputParity("class", 0.9999, 50.0, 0.01, 0.995, values=1_000)
REGRESSION = OutputParity("height", 0.98, 20.0, 0.5, None, values=100)
SAME_SPEED = SideBySide(1.0, 1.0, 1.0, 0.98, 1.02, pairs=100, threads=2, batch=1)
SLOWER = SideBySide(1.0, 1.5, 1.5, 1.4, 1.6, pairs=100, threads=2, batch=1)
LABELLED = Accuracy(source=0.97, variant=0.955, rows=1_000, output="class")
FACTS = VariantFacts(Pass.STATIC_INT8, 1_000, 250, {"QuantizeLinear": 4}, {"Conv": 1}, ())
SEEN = Comparison(InputsUsed.DATASET, 1_000, (CLASSES,), None, SAME_SPEED)


def verdict(seen: Comparison, max_drop: float = 0.01, size: int = 500) -> Verdict:
    return decide(seen, Limits(max_drop), 1_000, size, FACTS)


def codes(told: Verdict) -> list[NoteCode]:
    return [note.code for note in told.notes]


def test_accuracy_counts_where_there_are_labels() -> None:
    told = verdict(replace(SEEN, accuracy=LABELLED))
    assert (told.measure, told.passed) == (Measure.ACCURACY, False)
    assert told.drop == pytest.approx(0.015)
    assert told.fidelity is None
    assert "95.50% against 97.00% on 1,000 labelled rows" in told.gates[1].reason


def test_a_variant_that_is_better_than_its_source_has_a_drop_below_zero_and_passes() -> None:
    told = verdict(replace(SEEN, accuracy=Accuracy(0.9, 0.95, 100, "class")), max_drop=0.0)
    assert told.passed
    assert told.drop == pytest.approx(-0.05)


def test_without_labels_a_classifier_is_judged_by_how_often_the_top_class_agrees() -> None:
    told = verdict(SEEN)
    assert (told.measure, told.passed) == (Measure.ARGMAX_AGREEMENT, True)
    assert told.fidelity == pytest.approx(0.995)


def test_without_classes_the_worst_output_s_cosine_counts() -> None:
    other = replace(REGRESSION, name="width", cosine=0.999)
    told = verdict(replace(SEEN, outputs=(other, REGRESSION)))
    assert (told.measure, told.passed) == (Measure.COSINE, False)
    assert told.drop == pytest.approx(0.02)


def test_exactly_the_allowed_drop_passes() -> None:
    seen = replace(SEEN, accuracy=Accuracy(0.97, 0.96, 100, "class"))
    assert verdict(seen, max_drop=0.01).passed


def test_values_that_became_infinite_fail_whatever_the_accuracy_says() -> None:
    broken = replace(CLASSES, non_finite=3)
    told = verdict(replace(SEEN, outputs=(broken,), accuracy=Accuracy(1, 1, 10, "class")))
    assert not told.passed
    failed = [gate.name for gate in told.gates if not gate.passed]
    assert failed == [GateName.FINITE]


def test_a_larger_and_slower_variant_passes_and_says_why_it_is_so() -> None:
    told = verdict(replace(SEEN, timing=SLOWER), size=2_000)
    assert told.passed
    assert codes(told) == [NoteCode.LARGER_THAN_SOURCE, NoteCode.SLOWER_THAN_SOURCE]
    larger, slower = (note.message for note in told.notes)
    assert "2,000 bytes against 1,000" in larger
    assert "4 QuantizeLinear" in larger
    assert "no instructions for 8-bit products" in slower
    assert "1 Conv nodes stayed in FP32" in slower


def test_a_ratio_whose_bounds_hold_one_is_not_called_slower() -> None:
    unsure = replace(SLOWER, ratio=1.2, ratio_low=0.9, ratio_high=1.5)
    assert codes(verdict(replace(SEEN, timing=unsure))) == []


def test_a_ratio_that_cannot_be_told_from_one_is_one() -> None:
    assert replace(SLOWER, ratio=1.2, ratio_low=0.9, ratio_high=1.5).known_ratio == 1.0
    assert SLOWER.known_ratio == 1.5


def test_a_comparison_on_random_inputs_says_so() -> None:
    seen = replace(SEEN, inputs=InputsUsed.SYNTHETIC, described="random inputs, seed 1")
    assert codes(verdict(seen)) == [NoteCode.SYNTHETIC_INPUTS]
    assert "seed 1" in verdict(seen).notes[0].message


def test_few_rows_and_labels_that_could_not_be_used_are_told() -> None:
    seen = replace(SEEN, rows=20, labels_ignored="No output tells a class.")
    assert codes(verdict(seen)) == [NoteCode.LABELS_IGNORED, NoteCode.FEW_ROWS]
    assert "5.0%" in verdict(seen).notes[1].message


def test_an_fp16_variant_that_is_slower_is_explained_by_conversions() -> None:
    facts = VariantFacts(Pass.FP16, 100, 50, {"Cast": 2})
    told = decide(replace(SEEN, timing=SLOWER), Limits(0.01), 100, 50, facts)
    assert "2 Cast nodes" in told.notes[0].message


def test_constants_that_grew_are_the_reason_for_a_larger_file() -> None:
    facts = VariantFacts(Pass.GRAPH, 100, 190)
    told = decide(SEEN, Limits(0.01), 1_000, 1_100, facts)
    assert "its constants grew by 90 bytes" in told.notes[0].message


def test_a_variant_over_its_limits_fails_by_how_much_and_is_said_so() -> None:
    told = decide(replace(SEEN, timing=SLOWER), Limits(0.01, 400, 1.2), 1_000, 500, FACTS)
    assert not told.passed
    reasons = {gate.name: gate.reason for gate in told.gates if not gate.passed}
    assert reasons == {
        GateName.SIZE: "500 bytes where 400 are allowed, 100 too many.",
        GateName.LATENCY: "1.500 ms a run where 1.2 ms are allowed, 0.300 ms too long.",
    }


def test_a_variant_within_its_limits_passes() -> None:
    told = decide(SEEN, Limits(0.01, 500, 1.0), 1_000, 500, FACTS)
    assert [gate.name for gate in told.gates] == list(GateName)
    assert told.passed


def test_an_emulated_time_decides_nothing_and_says_so() -> None:
    timing = replace(SLOWER, evidence=Evidence.EMULATED)
    told = decide(replace(SEEN, timing=timing), Limits(0.01, None, 0.1), 1_000, 500, FACTS)
    assert told.passed
    assert timing.known_ratio == 1.0
    assert codes(told) == [NoteCode.EMULATED_TIME]


def judged(source: float, variant: float, measure: Measure) -> Comparison:
    accuracy = Accuracy(
        source, variant, 500, "out", measure, measure.higher_is_better, measure.relative
    )
    return replace(SEEN, accuracy=accuracy)


def test_a_fall_in_exact_match_says_from_what_to_what_and_by_how_much_too_far() -> None:
    told = verdict(judged(1.0, 0.26, Measure.EXACT_MATCH))
    assert (told.passed, told.measure) == (False, Measure.EXACT_MATCH)
    assert told.gates[1].reason == (
        "Exact match 26.00% against 100.00% on 500 labelled rows, a drop of 74.00%: "
        "73.00% more than the 1.00% allowed."
    )


def test_an_error_rate_that_rises_is_a_loss() -> None:
    told = verdict(judged(0.02, 0.05, Measure.CER))
    assert (told.passed, told.drop) == (False, pytest.approx(0.03))
    assert "worse by 3.00%" in told.gates[1].reason
    assert verdict(judged(0.05, 0.02, Measure.CER), max_drop=0.0).passed


def test_an_error_with_a_unit_is_judged_as_a_share_of_the_source_s() -> None:
    assert verdict(judged(200.0, 201.0, Measure.RMSE)).passed
    told = verdict(judged(200.0, 210.0, Measure.RMSE))
    assert (told.passed, told.drop) == (False, pytest.approx(0.05))
    assert "210 against 200" in told.gates[1].reason
    assert "5.00% of the source's" in told.gates[1].reason


def test_against_a_perfect_source_any_relative_loss_is_a_whole_one() -> None:
    assert verdict(judged(0.0, 1e-6, Measure.MAE)).drop == 1.0
    assert verdict(judged(0.0, 0.0, Measure.MAE)).drop == 0.0


def test_a_relative_loss_of_a_negative_figure_has_the_right_sign() -> None:
    worse = Accuracy(-2.0, -3.0, 10, "", Measure.CUSTOM, True, True)
    assert worse.drop == pytest.approx(0.5)


def test_a_variant_that_one_s_own_scorer_makes_nothing_of_has_failed() -> None:
    told = verdict(replace(SEEN, unscored="The scorer gave no figure: it answered nan."))
    assert (told.passed, told.measure, told.drop) == (False, Measure.CUSTOM, 1.0)
    assert "it answered nan" in told.gates[1].reason
