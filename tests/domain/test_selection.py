"""The recommendation: never what failed, never a change that wins nothing, always with numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.optimization_spec import Level
from domain.selection import SOURCE, Candidate, choose

ORIGINAL = Candidate(SOURCE, 1_000, 1.0, 0.0, passed=True)
FAST = Candidate("static_int8", 400, 0.5, 0.004, passed=True)
SMALL = Candidate("dynamic_int8", 260, 1.2, 0.001, passed=True)
BROKEN = Candidate("fp16", 100, 0.1, 0.6, passed=False)


def test_speed_takes_the_fastest_and_size_the_smallest_that_passed() -> None:
    every = [ORIGINAL, FAST, SMALL, BROKEN]
    assert choose(every, Level.SPEED).name == "static_int8"
    assert choose(every, Level.SIZE).name == "dynamic_int8"
    assert choose(every, Level.BALANCED).name == "static_int8"


def test_the_reason_has_the_numbers_and_names_what_failed() -> None:
    why = choose([ORIGINAL, FAST, BROKEN], Level.SPEED).why
    assert "400 bytes (40% of the source)" in why
    assert "0.50 times the source's time" in why
    assert "lost 0.40%" in why
    assert "Failed its gate: fp16 (lost 60.00%)" in why


def test_the_source_stays_when_every_variant_failed() -> None:
    choice = choose([ORIGINAL, BROKEN], Level.SIZE)
    assert choice.name == SOURCE
    assert "fp16" in choice.why


def test_the_source_stays_when_a_variant_wins_less_than_the_noise() -> None:
    close = Candidate("graph", 999, 0.97, 0.0, passed=True)
    choice = choose([ORIGINAL, close], Level.SPEED)
    assert choice.name == SOURCE
    assert "graph" in choice.why


def test_of_two_equally_fast_the_smaller_is_taken() -> None:
    twin = Candidate("twin", 300, 0.51, 0.0, passed=True)
    assert choose([ORIGINAL, FAST, twin], Level.SPEED).name == "twin"


def test_a_time_that_cannot_be_told_from_the_source_s_is_said_so() -> None:
    same = Candidate("fp16", 500, 1.0, 0.0, passed=True)
    assert "no difference in time" in choose([ORIGINAL, same], Level.BALANCED).why


def test_without_variants_the_source_stays_and_says_so() -> None:
    assert "No variant" in choose([ORIGINAL], Level.BALANCED).why


def test_the_source_has_to_be_among_the_candidates() -> None:
    with pytest.raises(ValueError, match="source"):
        choose([FAST], Level.SPEED)


candidates = st.builds(
    Candidate,
    name=st.sampled_from(["a", "b", "c"]),
    bytes=st.integers(1, 10**9),
    time_ratio=st.floats(0.01, 100),
    drop=st.floats(-1, 1),
    passed=st.booleans(),
)


@given(st.lists(candidates, max_size=5, unique_by=lambda one: one.name), st.sampled_from(Level))
def test_what_failed_is_never_chosen(others: list[Candidate], level: Level) -> None:
    choice = choose([ORIGINAL, *others], level)
    assert choice.name == SOURCE or any(one.name == choice.name and one.passed for one in others)
    assert choice.score <= 1.0
