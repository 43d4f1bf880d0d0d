"""Doing an optimization again: the same bytes, or the names of what differs."""

from dataclasses import replace
from uuid import UUID

import pytest

from application.plain_json import from_json, to_json
from domain.benchmark import Machine
from domain.optimization import (
    Level,
    OptimizationResult,
    Outcome,
    Pass,
    SourceFacts,
    VariantFile,
    VariantResult,
)
from domain.reproduction import Reproduction, reproduction
from domain.selection import Choice

JOB = UUID(int=7)
MACHINE = Machine(
    "Xeon", "x86_64", 2, 10**9, ("avx512_vnni",), "Linux", {"onnxruntime": "1.31.1"}, 0.1, 0.2
)


def made(name: str, sha256: str) -> VariantResult:
    return VariantResult(
        name, Pass.FP16, Outcome.MADE, "made", file=VariantFile(f"{name}.onnx", 9, sha256)
    )


THEN = OptimizationResult(
    source=SourceFacts(100, "source", 10, 3),
    variants=(
        made("fp16", "aa"),
        made("static_int8", "bb"),
        VariantResult("graph", Pass.GRAPH, Outcome.SKIPPED, "nothing to do", "NOTHING"),
    ),
    choice=Choice("fp16", Level.BALANCED, 0.5, "smaller"),
    machine=MACHINE,
    isolation="bubblewrap",
)


def test_the_same_files_are_identical_whatever_the_load_and_the_times_were() -> None:
    now = replace(THEN, machine=replace(MACHINE, load_before=9.0, load_after=9.0))
    found = reproduction(JOB, THEN, now)
    assert found.identical
    assert found.differences == ()
    assert found.told == "Every file is the same, byte for byte."


def test_what_was_skipped_then_and_now_is_the_same() -> None:
    (again,) = [one for one in reproduction(JOB, THEN, THEN).variants if one.name == "graph"]
    assert (again.then, again.now, again.identical) == (None, None, True)


def test_another_file_is_named_with_the_library_that_changed() -> None:
    newer = replace(MACHINE, versions={"onnxruntime": "1.32.0"})
    now = replace(THEN, variants=(made("fp16", "cc"), *THEN.variants[1:]), machine=newer)
    found = reproduction(JOB, THEN, now)
    assert not found.identical
    assert [one.name for one in found.variants if not one.identical] == ["fp16"]
    assert "Not the same: fp16" in found.told
    assert "onnxruntime (1.31.1 then, 1.32.0 now)" in found.told


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"isolation": "limits"}, "isolation"),
        ({"machine": replace(MACHINE, cpu="EPYC")}, "cpu"),
        ({"machine": replace(MACHINE, instruction_sets=())}, "instruction sets"),
        ({"machine": replace(MACHINE, versions={})}, "onnxruntime"),
    ],
)
def test_every_pin_that_differs_is_named_also_where_the_bytes_are_the_same(
    changed: dict[str, object], what: str
) -> None:
    found = reproduction(JOB, THEN, replace(THEN, **changed))  # type: ignore[arg-type]
    assert found.identical
    assert [one.what for one in found.differences] == [what]
    assert "although these differ" in found.told


def with_versions(**versions: str) -> OptimizationResult:
    """With a variant that was made with these, whatever the server has."""
    return replace(THEN, variants=(replace(made("ir", "aa"), versions=versions),))


def test_a_library_of_a_toolchain_that_changed_is_named() -> None:
    then, now = with_versions(openvino="2026.1"), with_versions(openvino="2026.4")
    (found,) = reproduction(JOB, then, now).differences
    assert (found.what, found.then, found.now) == ("openvino", "2026.1", "2026.4")


def test_a_library_that_the_toolchain_and_the_server_have_is_told_with_both_versions() -> None:
    then, now = with_versions(onnxruntime="1.31.1"), with_versions(onnxruntime="1.30.0")
    (found,) = reproduction(JOB, then, now).differences
    assert (found.what, found.then, found.now) == ("onnxruntime", "1.31.1", "1.30.0, 1.31.1")


def test_a_result_of_before_versions_were_recorded_is_not_said_to_differ_by_them() -> None:
    now = replace(
        THEN, variants=tuple(replace(one, versions={"onnx": "1"}) for one in THEN.variants)
    )
    assert reproduction(JOB, THEN, now).differences == ()
    old = to_json(THEN.variants[0])
    del old["versions"]
    assert from_json(old, VariantResult) == THEN.variants[0]


def test_a_variant_that_is_made_no_longer_is_not_the_same() -> None:
    found = reproduction(JOB, THEN, replace(THEN, variants=THEN.variants[1:]))
    assert not found.identical
    assert found.variants[0].now is None


def test_other_bytes_without_any_difference_are_not_explained_away() -> None:
    now = replace(THEN, variants=(made("fp16", "cc"), *THEN.variants[1:]))
    assert "nothing that is recorded differs" in reproduction(JOB, THEN, now).told


def test_other_bytes_of_a_compiler_for_other_hardware_are_said_to_be_its_way() -> None:
    def engine(sha256: str) -> VariantResult:
        return replace(made("tensorrt_engine", sha256), outcome=Outcome.BUILT)

    then = replace(THEN, variants=(engine("bb"), made("fp16", "aa")))
    told = reproduction(JOB, then, replace(then, variants=(engine("cc"), then.variants[1]))).told
    assert "the compiler for that hardware does not write the same bytes twice" in told
    both = replace(then, variants=(engine("cc"), made("fp16", "dd")))
    assert "Please report it" in reproduction(JOB, then, both).told


def test_it_is_kept_as_plain_json() -> None:
    found = reproduction(JOB, THEN, THEN)
    assert from_json(to_json(found), Reproduction) == found
